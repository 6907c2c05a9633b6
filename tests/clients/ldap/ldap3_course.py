"""Looks users and groups up, and logs a user in, through ldap3, which reads the schema of the server first.

    ldap3_course.py SETTINGS

SETTINGS is a JSON file: url, base, bind_dn, secret, address, password, group (its name), page. Prints what each step gave.
"""

import json
import sys

from ldap3 import ALL, SUBTREE, Connection, Server
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

settings = json.load(open(sys.argv[1]))
server = Server(settings["url"], get_info=ALL)
base, group = settings["base"], settings["group"]


def outcome(name, password):
    try:
        connection = Connection(server, name, password)
        connection.bind()
        return connection.result["result"]
    except LDAPException as error:
        return type(error).__name__


service = Connection(server, settings["bind_dn"], settings["secret"], auto_bind=True)
seen = {"wrong": outcome(settings["bind_dn"], "wrong"), "empty": outcome(settings["bind_dn"], "")}
seen["schema"] = sorted(
    name for name in ("uid", "memberOf", "entryUUID", "uidNumber") if name in server.schema.attribute_types
)
seen["contexts"] = server.info.naming_contexts
walk = service.extend.standard.paged_search(
    base, "(objectClass=inetOrgPerson)", SUBTREE, attributes=["uid"], paged_size=settings["page"]
)
names = [entry["dn"] for entry in walk]
seen["walk"] = [len(names), len(set(names))]

service.search(base, f"(cn={escape_filter_chars(group)})", attributes=["cn", "member"])
[found] = service.entries
seen["found"] = [str(found.cn), len(found.member.values)]
service.search(found.entry_dn, "(objectClass=*)", search_scope="BASE", attributes=["cn"])
seen["again"] = str(service.entries[0].cn)

service.search(base, f"(mail={escape_filter_chars(settings['address'])})", attributes=["*", "memberOf"])
[user] = service.entries
seen["user"] = [str(user.cn), str(user.sn), len(user.memberOf.values), int(user.uidNumber.value) >= 100_000]
service.search(base, f"(memberOf={escape_filter_chars(found.entry_dn)})")
seen["of group"] = len(service.entries)
seen["compare"] = [
    service.compare(user.entry_dn, "mail", settings["address"]),
    service.compare(user.entry_dn, "mail", "nobody@example.com"),
]
seen["who"] = service.extend.standard.who_am_i() == "dn:" + settings["bind_dn"]

own = Connection(server, user.entry_dn, settings["password"], auto_bind=True)
own.search(base, "(|(objectClass=person)(objectClass=groupOfNames))", attributes=["cn"])
seen["own"] = sorted(str(entry.cn) for entry in own.entries)
seen["by address"] = outcome(settings["address"], settings["password"])
print(json.dumps(seen))
