"""The dashboard as a server, `streamlit run app/main.py`: layers that see every request before the
pages do.

What the pages show is in frame.py. Streamlit puts this folder on the path, not the one around it,
hence the first lines; the folder's name is that of the package, `app` in a checkout and `smd_app`
where it is installed.
"""

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

HERE = Path(__file__).resolve().parent
# nothing of ours is top-level
sys.path[:] = [str(HERE.parent), *(place for place in sys.path if place != str(HERE))]

from smd import limits, paths
from smd.data import uploads
from smd.errors import UserError
from smd.runs import example, folders
from smd.store import reader

addresses, gate, hosts, login, proxy_login, script, upload = (
    import_module(f"{HERE.name}.server.{name}")
    for name in ("addresses", "gate", "hosts", "login", "proxy_login", "script", "upload")
)
pages = import_module(f"{HERE.name}.pages")

ADDRESS = "server.address"

try:
    if not st.get_option(ADDRESS):  # without it Streamlit would listen to the whole network
        raise UserError(
            "The settings in .streamlit are missing: start with `--server.address localhost`, or"
            " mend them."
        )
    login.settings()
    uploads.limit()
    NAMES = hosts.allowed(
        os.environ, st.get_option(ADDRESS), st.get_option("browser.serverAddress") or ""
    )
except UserError as error:  # a dashboard that was meant to be closed does not open
    sys.exit(f"smd: {error}")

paths.share()
example.bring()  # into a folder of runs that is empty
limits.share_memory_among_threads()
reader.ahead([run.store for run in folders.all_runs()])
app = st.App(
    str(HERE / "dashboard.py"),
    middleware=[
        Middleware(gate.Gate, names=NAMES),
        Middleware(
            proxy_login.ProxyLogin,
            oidc=login.by_provider(),
            base=st.get_option("server.baseUrlPath"),
        ),
        Middleware(
            addresses.Addresses,
            pages={page.name: page.title for page in pages.PAGES},
            hidden=tuple(pages.MOVED),
            base=st.get_option("server.baseUrlPath"),
        ),
        Middleware(script.Script, base=st.get_option("server.baseUrlPath")),
        Middleware(upload.Uploads, base=st.get_option("server.baseUrlPath")),
    ],
)

# Streamlit's own welcome is switched off in config.toml: to print a machine's address it asks the
# internet for it.
with suppress(OSError):  # nobody reads it
    print(
        "\n  SMD Studio, in your browser. URL:",
        hosts.shown(
            st.get_option("browser.serverAddress"),
            st.get_option(ADDRESS),
            st.get_option("server.port"),
            st.get_option("server.baseUrlPath"),
            bool(st.get_option("server.sslCertFile")),
        ),
        end="\n\n",
        flush=True,
    )
