#!/usr/bin/env bash
# Expected: a part of a name that is made of an attribute and a value, new Rdn("cn", "Sales, EMEA"), is written with the
# escapes of RFC 4514, and a Dn that it is added to names that entry.
# Found: Apache Directory LDAP API 2.1.2 writes the value as it is: `cn=Sales, EMEA,dc=example`, which its own parser
# refuses. getEscaped() is right, and so is a part that was parsed. The normalized form of `cn=a+uid=b` is cn=a+uid=b=b.
# Needs Debian 12, its lists of packages (apt-get update), and Java 17.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root libapache-directory-api-java=2.1.2-1 libslf4j-java libcommons-codec-java \
    libcommons-lang3-java libcommons-collections4-java libcommons-text-java libantlr-java
for package in *.deb; do dpkg -x "$package" .; done
jars=usr/share/java
class_path=$jars/apache-directory-api-all.jar:$jars/slf4j-api.jar:$jars/slf4j-nop.jar:$jars/commons-codec.jar
class_path+=:$jars/commons-lang3.jar:$jars/commons-collections4.jar:$jars/commons-text.jar:$jars/antlr.jar
cat >Names.java <<'JAVA'
import org.apache.directory.api.ldap.model.exception.LdapInvalidDnException;
import org.apache.directory.api.ldap.model.name.Dn;
import org.apache.directory.api.ldap.model.name.Rdn;

public class Names {
    static String again(String name) {
        try {
            return "the value " + new Dn(name).getRdn().getValue();
        } catch (LdapInvalidDnException error) {
            return "refused";
        }
    }

    public static void main(String[] arguments) throws Exception {
        boolean changed = false;
        String[][] cases = {
            {"Sales", "cn=Sales,dc=example", "the value Sales"},
            {"Sales, EMEA", "cn=Sales, EMEA,dc=example", "refused"},
        };
        for (String[] one : cases) {
            Rdn rdn = new Rdn("cn", one[0]);
            String name = new Dn("dc=example").add(rdn).getName();
            System.out.println(one[0] + ": getName " + name + ", getEscaped " + rdn.getEscaped() + "; read: " + again(name));
            changed |= !name.equals(one[1]) || !again(name).equals(one[2]);
        }
        String parsed = new Dn(new Rdn("cn=Sales\\, EMEA"), new Rdn("dc=example")).getName();
        String normal = new Dn("cn=a+uid=b,dc=example").getNormName();
        System.out.println("of a parsed part: " + parsed + "; cn=a+uid=b normalized: " + normal);
        changed |= !parsed.equals("cn=Sales\\, EMEA,dc=example") || !normal.equals("cn=a+uid=b=b,dc=example");
        if (changed) {
            System.out.println("changed");
            System.exit(1);
        }
    }
}
JAVA
java -cp "$class_path" Names.java
dpkg-deb -f libapache-directory-api-java_*.deb Package Version
