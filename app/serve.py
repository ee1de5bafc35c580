"""Streamlit's program as `smd app` runs it: Ctrl-C is how it ends, not a failure."""

import sys

import click
from streamlit.web import cli


def main() -> int:
    """Serve until somebody ends it; returns the exit status."""
    try:
        cli.main(prog_name="streamlit", standalone_mode=False)
    except click.Abort:
        return 0
    except click.ClickException as error:  # an option that Streamlit does not know
        error.show()
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
