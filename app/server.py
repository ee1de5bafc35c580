"""The dashboard as a server: `streamlit run app/server.py`. Its layers see every request before the pages do.

`streamlit run app/main.py` shows the same pages without the layers; where a login by a proxy is asked for, nobody gets
in that way.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import login
import proxy_login
import streamlit as st
from starlette.middleware import Middleware

from smd.errors import UserError

try:
    login.settings()
except UserError as error:  # a dashboard that was meant to be closed does not open
    sys.exit(f"smd: {error}")

LAYERS = [
    Middleware(proxy_login.ProxyLogin, oidc=login.by_provider(), base=st.get_option("server.baseUrlPath")),
]

app = st.App(str(HERE / "main.py"), middleware=LAYERS)
