import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.naming.Context;
import javax.naming.NamingEnumeration;
import javax.naming.NamingException;
import javax.naming.directory.Attributes;
import javax.naming.directory.SearchControls;
import javax.naming.directory.SearchResult;
import javax.naming.ldap.Control;
import javax.naming.ldap.InitialLdapContext;
import javax.naming.ldap.LdapContext;
import javax.naming.ldap.PagedResultsControl;
import javax.naming.ldap.PagedResultsResponseControl;

/**
 * Looks users and groups up, and logs a user in, through JNDI.
 *
 * <p>{@code java LdapCourse.java SETTINGS}; settings and output are those of ldap3_course.py.
 */
public final class LdapCourse {
    private static String settings;

    public static void main(String[] arguments) throws Exception {
        settings = Files.readString(Path.of(arguments[0]), StandardCharsets.UTF_8);
        String base = setting("base");
        LdapContext service = context(setting("bind_dn"), setting("secret"));
        StringBuilder seen = new StringBuilder("{\"wrong\":" + outcome(setting("bind_dn"), "wrong"));

        int page = Integer.parseInt(setting("page"));
        List<String> names = walk(service, base, page);
        seen.append(",\"walk\":[" + names.size() + "," + new HashSet<>(names).size() + "]");

        // JNDI escapes the arguments of a filter.
        SearchResult group = find(service, base, "(cn={0})", setting("group")).get(0);
        Attributes values = group.getAttributes();
        seen.append(",\"found\":[" + text(values, "cn") + "," + values.get("member").size() + "]");
        SearchControls itself = controls(SearchControls.OBJECT_SCOPE);
        Attributes again = service.search(quoted(group), "(objectClass=*)", itself).next().getAttributes();
        seen.append(",\"again\":" + text(again, "cn"));

        SearchResult user = find(service, base, "(mail={0})", setting("address")).get(0);
        values = user.getAttributes();
        boolean numbered = Integer.parseInt((String) values.get("uidNumber").get()) >= 100_000;
        seen.append(",\"user\":[" + text(values, "cn") + "," + text(values, "sn"));
        seen.append("," + values.get("memberOf").size() + "," + numbered + "]");
        String name = group.getNameInNamespace();
        seen.append(",\"of group\":" + find(service, base, "(memberOf={0})", name).size());

        LdapContext own = context(user.getNameInNamespace(), setting("password"));
        List<String> shown = new ArrayList<>();
        for (SearchResult entry : find(own, base, "(|(objectClass={0})(objectClass=groupOfNames))", "person")) {
            shown.add(text(entry.getAttributes(), "cn"));
        }
        shown.sort(null);
        seen.append(",\"own\":" + shown);
        seen.append(",\"by address\":" + outcome(setting("address"), setting("password")) + "}");
        System.out.write(seen.toString().getBytes(StandardCharsets.UTF_8));
        System.out.println();
    }

    /** The name of an entry as JNDI parses it. */
    private static javax.naming.Name quoted(SearchResult entry) throws NamingException {
        return new javax.naming.ldap.LdapName(entry.getNameInNamespace());
    }

    private static LdapContext context(String name, String password) throws NamingException {
        Hashtable<String, String> environment = new Hashtable<>();
        environment.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
        environment.put(Context.PROVIDER_URL, setting("url"));
        environment.put(Context.SECURITY_PRINCIPAL, name);
        environment.put(Context.SECURITY_CREDENTIALS, password);
        return new InitialLdapContext(environment, null);
    }

    private static int outcome(String name, String password) throws NamingException {
        try {
            context(name, password).close();
            return 0;
        } catch (NamingException refused) {
            Matcher code = Pattern.compile("error code (\\d+)").matcher(String.valueOf(refused.getMessage()));
            return code.find() ? Integer.parseInt(code.group(1)) : -1;
        }
    }

    private static SearchControls controls(int scope) {
        SearchControls controls = new SearchControls();
        controls.setSearchScope(scope);
        controls.setReturningAttributes(new String[] {"*", "+"});
        return controls;
    }

    private static List<String> walk(LdapContext service, String base, int page) throws Exception {
        List<String> names = new ArrayList<>();
        byte[] cookie = null;
        do {
            service.setRequestControls(new Control[] {new PagedResultsControl(page, cookie, Control.CRITICAL)});
            SearchControls below = controls(SearchControls.SUBTREE_SCOPE);
            NamingEnumeration<SearchResult> found = service.search(base, "(objectClass=inetOrgPerson)", below);
            while (found.hasMore()) {
                names.add(found.next().getNameInNamespace());
            }
            cookie = null;
            for (Control control : service.getResponseControls()) {
                if (control instanceof PagedResultsResponseControl) {
                    cookie = ((PagedResultsResponseControl) control).getCookie();
                }
            }
        } while (cookie != null && cookie.length > 0);
        service.setRequestControls(null);
        return names;
    }

    private static List<SearchResult> find(LdapContext service, String base, String filter, String value)
            throws NamingException {
        List<SearchResult> entries = new ArrayList<>();
        SearchControls below = controls(SearchControls.SUBTREE_SCOPE);
        NamingEnumeration<SearchResult> found = service.search(base, filter, new Object[] {value}, below);
        while (found.hasMore()) {
            entries.add(found.next());
        }
        return entries;
    }

    /** The first value of an attribute, as JSON. */
    private static String text(Attributes attributes, String name) throws NamingException {
        String value = (String) attributes.get(name).get();
        return "\"" + value.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    /** A setting; numbers as text. */
    private static String setting(String name) {
        Matcher found = Pattern.compile("\"" + name + "\":(?:\"((?:[^\"\\\\]|\\\\.)*)\"|(\\d+))").matcher(settings);
        if (!found.find()) {
            throw new IllegalArgumentException("no setting " + name);
        }
        return found.group(1) == null ? found.group(2) : found.group(1).replaceAll("\\\\(.)", "$1");
    }
}
