"""The dashboard as a server, `streamlit run app/main.py`: layers that see every request before the pages do.

What the pages show is in dashboard.py. Streamlit puts app/ on the path, not the repository, hence the first lines.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import gate
import hosts
import login
import proxy_login
import streamlit as st
from starlette.middleware import Middleware

from smd import paths
from smd.errors import UserError

ADDRESS = "server.address"

try:
    if not st.get_option(ADDRESS):  # without it Streamlit would listen to the whole network
        raise UserError(
            "The settings in .streamlit are missing: start with `--server.address localhost`, or mend them."
        )
    login.settings()
    NAMES = hosts.allowed(os.environ, st.get_option(ADDRESS), st.get_option("browser.serverAddress") or "")
except UserError as error:  # a dashboard that was meant to be closed does not open
    sys.exit(f"smd: {error}")

paths.share()
app = st.App(
    str(HERE / "dashboard.py"),
    middleware=[
        Middleware(gate.Gate, names=NAMES),
        Middleware(proxy_login.ProxyLogin, oidc=login.by_provider(), base=st.get_option("server.baseUrlPath")),
    ],
)
