"""Whom a shared server lets in.

Only whom its proxy or its identity provider names, and only when all is set up.
"""

import ipaddress

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from making_login import PROXY, asked, environment, headers
from streamlit.testing.v1 import AppTest

from app.server import access, login, proxy_login
from smd.errors import UserError
from smd.paths import AROUND as REPOSITORY

HOW = access.settings(PROXY)


def without(*names):
    return {name: value for name, value in PROXY.items() if name not in names}


def test_nothing_set_is_no_login():
    assert access.settings({"PATH": "/bin", "FORWARDED_ALLOW_IPS": "*"}) == access.Settings()


@pytest.mark.parametrize(
    "env, oidc, why",
    [
        (without("SMD_PROXY_ADDRESSES"), False, "SMD_PROXY_ADDRESSES"),
        (PROXY | {"SMD_PROXY_ADDRESSES": " , "}, False, "SMD_PROXY_ADDRESSES"),
        (without("SMD_PROXY_HEADER"), False, "SMD_PROXY_HEADER"),
        (PROXY | {"SMD_PROXY_HEADER": ""}, False, "SMD_PROXY_HEADER"),
        (PROXY | {"SMD_PROXY_HEADER": "X-Forwarded-For"}, False, "does not name a person"),
        (PROXY | {"SMD_PROXY_HEADER": "Cookie"}, False, "does not name a person"),
        (PROXY | {"SMD_PROXY_HEADER": "X User:"}, False, "a header's name"),
        (PROXY | {"SMD_PROXY_ADDRESSES": "10.0.0.300"}, False, "10.0.0.300"),
        (PROXY | {"SMD_PROXY_ADDRESSES": "10.0.0.5/8"}, False, "10.0.0.5/8"),
        (PROXY | {"SMD_PROXY_ADDRESSES": "proxy.example.org"}, False, "proxy.example.org"),
        (PROXY | {"SMD_PROXY_ADDRESSES": "*"}, False, "'*'"),
        (PROXY | {"SMD_PROXY_ADDRESSES": "0.0.0.0/0"}, False, "every address"),
        (PROXY | {"SMD_PROXY_ADDRESSES": "127.0.0.1,::/0"}, False, "every address"),
        (without("SMD_RUNNERS", "SMD_VIEWERS"), False, "Nobody may log in"),
        (PROXY | {"SMD_RUNNERS": " ,", "SMD_VIEWERS": ""}, False, "Nobody may log in"),
        (PROXY | {"SMD_RUNNERS": "ada\x07"}, False, "SMD_RUNNERS"),
        (without("FORWARDED_ALLOW_IPS"), False, "FORWARDED_ALLOW_IPS"),
        (PROXY | {"FORWARDED_ALLOW_IPS": "*"}, False, "FORWARDED_ALLOW_IPS"),
        (PROXY, True, "two ways"),
        ({"SMD_RUNNERS": "*"}, False, "need a login"),
        ({"SMD_VIEWERS": ""}, False, "need a login"),
        ({}, True, "Nobody may log in"),
    ],
)
def test_half_a_configuration_opens_nothing(env, oidc, why):
    with pytest.raises(UserError, match=why.replace("*", r"\*")) as said:
        access.settings(env, oidc)
    assert "\n" not in str(said.value)


@given(
    some.dictionaries(
        some.sampled_from([*PROXY]), some.sampled_from(["", " ", ",", "*", "x", "10.0.0.5", "a,b"])
    )
)
def test_no_mixture_of_settings_turns_the_login_off(env):
    """Whatever is set of the login's own variables: there is a login, or the dashboard does not
    open."""
    own = env.keys() - {"FORWARDED_ALLOW_IPS"}
    try:
        found = access.settings(env)
    except UserError:
        return
    assert (found.way == "off") == (not own)


def test_roles():
    assert access.person("ADA@Example.org", HOW).role == "runner"
    assert access.person("vera", HOW).role == "viewer"
    assert access.person("mallory", HOW).role == "nobody"
    assert access.person("ada@example.org\u0130", HOW).role == "nobody"
    assert access.person("ada@example.or\u0261", HOW).role == "nobody"
    everybody = access.settings(PROXY | {"SMD_VIEWERS": "*"})
    assert access.person("mallory", everybody).role == "viewer"
    assert access.person("ada@example.org", everybody).role == "runner"


def test_letters_that_look_alike_are_other_people():
    how = access.settings(PROXY | {"SMD_RUNNERS": "sam"})
    # a long s, which casefold would make an s
    assert access.person("ſam", how).role == "nobody"


@given(some.ip_addresses())
def test_only_addresses_of_the_proxy_are_trusted(peer):
    inside = peer == ipaddress.ip_address("10.0.0.5") or peer in ipaddress.ip_network("fd00::/64")
    mapped = getattr(peer, "ipv4_mapped", None)
    assert access.trusted(str(peer), HOW.proxies) == (
        inside or mapped == ipaddress.ip_address("10.0.0.5")
    )


@pytest.mark.parametrize(
    "peer, yes",
    [
        ("10.0.0.5", True),
        ("::ffff:10.0.0.5", True),
        ("fd00::1", True),
        ("10.0.0.6", False),
        ("127.0.0.1", False),
        ("", False),
        ("localhost", False),
        ("10.0.0.5, 1.2.3.4", False),
        ("010.0.0.5", False),
    ],
)
def test_peers(peer, yes):
    assert access.trusted(peer, HOW.proxies) == yes


@given(some.lists(some.binary(max_size=12), max_size=3))
def test_a_name_is_one_readable_name_or_nothing(values):
    try:
        name = access.named([(b"x-forwarded-user", value) for value in values], "10.0.0.5", HOW)
    except UserError:
        return
    assert len(values) == 1
    assert name == values[0].decode().strip()
    assert name.isprintable() and name and "," not in name


@pytest.mark.parametrize(
    "given, peer",
    [
        (headers("ada@example.org"), "10.9.9.9"),
        (headers("ada@example.org"), ""),
        (headers("ada@example.org", "vera"), "10.0.0.5"),
        (headers("ada@example.org", "ada@example.org"), "10.0.0.5"),
        (headers("ada@example.org, vera"), "10.0.0.5"),
        (headers(""), "10.0.0.5"),
        (headers("  "), "10.0.0.5"),
        (headers(b"\xff\xfe"), "10.0.0.5"),
        (headers("a\u202eda"), "10.0.0.5"),
        ([], "10.0.0.5"),
        (headers("10.0.0.5", name="x-forwarded-for") + headers("ada@example.org"), "10.9.9.9"),
        (headers("ada@example.org", name="smd-user"), "10.0.0.5"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_nobody_gets_in_by_a_header_that_is_not_the_proxys(given, peer, kind, monkeypatch):
    environment(monkeypatch, **PROXY)
    answer, through = asked(given, peer, kind)
    assert through is None
    assert answer.get("status") == 403 if kind == "http" else answer["type"] == "websocket.close"


def test_the_proxys_name_comes_through_signed_and_alone(monkeypatch):
    environment(monkeypatch, **PROXY)
    _, through = asked(
        headers("Åda, ".strip(", ")) + headers("forged", name="smd-user") + headers("y", name="x")
    )
    assert [name for name, _ in through] == [b"x", b"smd-user"]
    assert proxy_login.handed([through[-1][1].decode()]) == "Åda"


def test_health_is_known_to_everybody_and_pages_are_not(monkeypatch):
    environment(monkeypatch, **PROXY)
    assert asked([], "10.9.9.9", path="/_stcore/health")[1] is not None
    for path in ("/_stcore/health/", "/x/_stcore/health", "/_stcore/stream", "/media/a.png", "/"):
        assert asked([], "10.9.9.9", path=path)[1] is None


def test_without_a_login_the_layer_lets_all_through_but_signed_names(monkeypatch):
    environment(monkeypatch)
    _, through = asked([*headers("forged", name="smd-user"), *headers("ada")], "10.9.9.9")
    assert through == headers("ada")


@pytest.mark.parametrize(
    "values", [[], ["ada"], [f"{'x' * 43} ada"], [f"{proxy_login.SIGN} ada"] * 2]
)
def test_a_page_takes_no_name_that_the_layer_did_not_sign(values):
    with pytest.raises(UserError):
        proxy_login.handed(values)


@pytest.mark.parametrize(
    "claims, name",
    [
        ({"email": "ada@example.org", "sub": "1"}, "ada@example.org"),
        ({"email": "ada@example.org", "email_verified": True}, "ada@example.org"),
        ({"sub": "auth0|17"}, "auth0|17"),
        ({"email": "ada@example.org", "email_verified": False, "sub": "1"}, None),
        ({"email": "ada@example.org", "email_verified": "no"}, None),
        ({"email": ["ada@example.org"]}, None),
        ({"preferred_username": "ada@example.org"}, None),
        ({"name": "ada"}, None),
    ],
)
def test_claims(claims, name):
    if name is None:
        with pytest.raises(UserError):
            access.of_claims(claims)
    else:
        assert access.of_claims(claims) == name


AUTH = {"redirect_uri": "https://x/oauth2callback", "cookie_secret": "x" * 32, "client_id": "1"}


@pytest.mark.parametrize(
    "auth, why",
    [
        ({}, "lacks redirect_uri and cookie_secret"),
        ("yes", "lacks redirect_uri"),
        (AUTH | {"cookie_secret": ""}, "lacks cookie_secret"),
        (AUTH | {"cookie_secret": "short"}, "is short"),
        (AUTH, "needs Authlib"),
    ],
)
def test_half_a_provider_opens_nothing(auth, why, monkeypatch):
    monkeypatch.setattr(login, "_auth", lambda: auth)
    monkeypatch.setattr(login.importlib.util, "find_spec", lambda name: None)
    environment(monkeypatch, SMD_RUNNERS="*")
    with pytest.raises(UserError, match=why):
        login.settings()


@pytest.mark.parametrize(
    "user, found",
    [
        (
            {"is_logged_in": True, "email": "Ada@example.org"},
            access.Person("Ada@example.org", "runner"),
        ),
        (
            {"is_logged_in": True, "email": "mallory@example.org"},
            access.Person("mallory@example.org", "nobody"),
        ),
        ({"is_logged_in": False, "email": "ada@example.org"}, None),
        ({"is_logged_in": "yes", "email": "ada@example.org"}, None),
        ({"email": "ada@example.org"}, None),
        ({}, None),
    ],
)
def test_who_the_provider_names(user, found, monkeypatch):
    monkeypatch.setattr(login, "_auth", lambda: AUTH)
    monkeypatch.setattr(login.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(st, "user", user)
    environment(monkeypatch, SMD_RUNNERS="ada@example.org")
    assert login.person() == found
    assert login.may_act() == bool(found and found.role == "runner")
    monkeypatch.setattr(
        st, "get_option", lambda name: {"X-User": "email"} if "trusted" in name else []
    )
    with pytest.raises(UserError, match="trustedUserHeaders"):
        login.person()
    assert not login.may_act()


def test_secrets_that_are_broken_open_nothing(tmp_path, monkeypatch):
    path = tmp_path / "secrets.toml"
    path.write_text("[auth\n")
    monkeypatch.setattr(st, "get_option", lambda name: [str(path)])
    monkeypatch.setattr(st, "secrets", st.runtime.secrets.Secrets())
    monkeypatch.setattr("streamlit.config.get_option", lambda name: [str(path)])
    with pytest.raises(UserError, match=r"secrets\.toml"):
        login.settings()


@pytest.mark.parametrize(
    "where", ["..", "/etc", "~", "~nobodyx/y", "link", "ring", "a\0b", "", "other"]
)
def test_typed_paths_stay_below_the_data(where, tmp_path, monkeypatch):
    root = tmp_path / "data"
    (root / "mine").mkdir(parents=True)
    (tmp_path / "data-of-others").mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "ring").symlink_to(root / "ring")
    path = {
        "..": f"{root}/mine/../../x",
        "link": f"{root}/link/x",
        "ring": f"{root}/ring/x",
        "other": f"{tmp_path}/data-of-others",
    }.get(where, where)
    with pytest.raises(UserError, match="lie below"):
        access.check_below(path, root)
    access.check_below(str(root / "mine" / "not-there-yet"), root)
    access.check_below(str(root), root)


def dashboard(monkeypatch, **values):
    environment(monkeypatch, **values)
    monkeypatch.setattr(
        "smd.jobs.launch.wake_all", lambda: pytest.fail("something began before anybody was let in")
    )
    return AppTest.from_file(str(REPOSITORY / "app" / "dashboard.py"), default_timeout=30).run()


@pytest.mark.parametrize("values", [PROXY, without("SMD_PROXY_ADDRESSES"), {"SMD_RUNNERS": "*"}])
def test_who_is_not_let_in_sees_one_sentence(values, monkeypatch):
    app = dashboard(monkeypatch, **values)
    assert len(app.error) == 1
    assert not (app.exception or app.button or app.title or app.sidebar.children)


def test_a_stranger_with_a_name_is_told_so(monkeypatch):
    monkeypatch.setattr(login, "person", lambda: access.Person("mal_lory", "nobody"))
    app = dashboard(monkeypatch)
    assert "may not use this dashboard" in app.error[0].value
    assert not (app.exception or app.button)
