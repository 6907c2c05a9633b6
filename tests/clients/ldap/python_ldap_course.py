"""Looks users and groups up, and logs a user in, through python-ldap, the binding to OpenLDAP's library.

    python_ldap_course.py SETTINGS

SETTINGS and output are those of ldap3_course.py.
"""

import json
import sys

import ldap
import ldap.filter
from ldap.controls import SimplePagedResultsControl

settings = json.load(open(sys.argv[1]))
base, group = settings["base"], settings["group"]


def connection(name, password):
    opened = ldap.initialize(settings["url"])
    opened.simple_bind_s(name, password)
    return opened


def outcome(name, password):
    try:
        connection(name, password)
        return 0
    except ldap.LDAPError as error:
        return error.args[0]["result"]


def search(opened, where, filter, attributes=("*", "+"), scope=ldap.SCOPE_SUBTREE):
    return opened.search_s(where, scope, filter, list(attributes))


def walk(opened, filter):
    control = SimplePagedResultsControl(True, settings["page"], "")
    while True:
        number = opened.search_ext(base, ldap.SCOPE_SUBTREE, filter, ["uid"], serverctrls=[control])
        _, found, _, controls = opened.result3(number)
        yield from (name for name, _ in found)
        control.cookie = next(c.cookie for c in controls if c.controlType == control.controlType)
        if not control.cookie:
            return


service = connection(settings["bind_dn"], settings["secret"])
seen = {"wrong": outcome(settings["bind_dn"], "wrong"), "empty": outcome(settings["bind_dn"], "")}
names = list(walk(service, "(objectClass=inetOrgPerson)"))
seen["walk"] = [len(names), len(set(names))]

escaped = ldap.filter.escape_filter_chars(group)
[(name, found)] = search(service, base, f"(cn={escaped})")
seen["found"] = [found["cn"][0].decode(), len(found["member"])]
seen["again"] = search(service, name, "(objectClass=*)", scope=ldap.SCOPE_BASE)[0][1]["cn"][0].decode()

# Every character as an escape of its bytes.
address = ldap.filter.escape_filter_chars(settings["address"], 2)
[(user, values)] = search(service, base, f"(mail={address})")
seen["user"] = [
    values["cn"][0].decode(),
    values["sn"][0].decode(),
    len(values["memberOf"]),
    int(values["uidNumber"][0]) >= 100_000,
]
seen["of group"] = len(search(service, base, ldap.filter.filter_format("(memberOf=%s)", [name]), ["1.1"]))
seen["compare"] = [
    service.compare_s(user, "mail", settings["address"].encode()),
    service.compare_s(user, "mail", b"nobody@example.com"),
]
seen["who"] = service.whoami_s() == "dn:" + settings["bind_dn"]
try:
    service.modify_s(user, [(ldap.MOD_REPLACE, "cn", [b"X"])])
except ldap.LDAPError as error:
    seen["write"] = error.args[0]["result"]

own = connection(user, settings["password"])
entries = search(own, base, "(|(objectClass=person)(objectClass=groupOfNames))")
seen["own"] = sorted(values["cn"][0].decode() for _, values in entries)
seen["by address"] = outcome(settings["address"], settings["password"])
print(json.dumps(seen))
