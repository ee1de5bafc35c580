"""The script that Streamlit runs for every page; what it shows is in frame.py.

It lies in a package of whatever name its folder has: `app` in a checkout, `smd_app` where it is
installed.
"""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import_module(f"{HERE.name}.frame").show()
