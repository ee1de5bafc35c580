"""Layers of the server that see a request before a page does: names, logins and roles."""
