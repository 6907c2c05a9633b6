import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.TimeZone;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.commons.codec.binary.Base64;

/**
 * Creates a user as the documented Java sample does: by HttpURLConnection and commons-codec, with a date in the language
 * of the machine and a bare False in the body. Where the base URL is one of HTTPS, the connection is an HttpsURLConnection, and
 * trusts what -Djavax.net.ssl.trustStore names.
 *
 * <p>Usage: java CreateUser KEYS ADDRESS [NAME]
 *
 * <p>Prints the body of the answer. An error status ends it with an exception and 1, and its body is never seen.
 */
public final class CreateUser {
    private static final String PATH = "/api/user/create-user";

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2 || arguments.length > 3) {
            System.err.println("usage: CreateUser KEYS ADDRESS [NAME]");
            System.exit(2);
        }
        String keys = Files.readString(Path.of(arguments[0]));
        String name = arguments.length == 3 ? arguments[2] : "Ann Lee";
        System.out.println(send(keys, body(arguments[1], key(keys, "account_code"), name)));
    }

    private static String send(String keys, String body) throws Exception {
        // One digit for the days up to 9, and the names of the default locale: both are the sample's.
        SimpleDateFormat format = new SimpleDateFormat("EEE, d MMM yyyy HH:mm:ss z");
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        String date = format.format(new Date());
        String requestId = UUID.randomUUID().toString();

        HttpURLConnection connection = (HttpURLConnection) new URL(key(keys, "base_url") + PATH).openConnection();
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setRequestProperty("Authorization", authorization(keys, date, requestId));
        connection.setRequestProperty("x-mc-req-id", requestId);
        connection.setRequestProperty("x-mc-app-id", key(keys, "app_id"));
        connection.setRequestProperty("x-mc-date", date);
        connection.setRequestProperty("Content-Type", "application/json");
        connection.setRequestProperty("Accept", "application/json");
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body.getBytes(StandardCharsets.UTF_8));
        }
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String authorization(String keys, String date, String requestId) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(Base64.decodeBase64(key(keys, "secret_key")), "HmacSHA1"));
        String text = String.join(":", date, requestId, PATH, key(keys, "app_key"));
        // The default charset, which is also the one that HttpURLConnection writes headers in.
        return "MC " + key(keys, "access_key") + ":" + Base64.encodeBase64String(mac.doFinal(text.getBytes()));
    }

    private static String body(String address, String accountCode, String name) {
        return "{\n"
                + "  \"data\": [\n"
                + "    {\n"
                + "      \"emailAddress\": \"" + address + "\",\n"
                + "      \"password\": \"Kestrel-41-over-the-weir\",\n"
                + "      \"accountCode\": \"" + accountCode + "\",\n"
                + "      \"forcePasswordChange\": False,\n"
                + "      \"name\": \"" + name + "\"\n"
                + "    }\n"
                + "  ]\n"
                + "}";
    }

    /** A value of the flat object of texts without escapes that the file of keys is. */
    private static String key(String keys, String name) throws IOException {
        Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(keys);
        if (!matcher.find()) {
            throw new IOException("the file of keys has no " + name);
        }
        return matcher.group(1);
    }
}
