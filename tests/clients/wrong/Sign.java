import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs a request with a mistake and sends it, as programs do by accident. Java 17 and nothing else.
 *
 * <p>Usage: java Sign.java KEYS MISTAKE
 *
 * <p>Prints the header x-matricula-explain of the answer, then the request that was sent, as a JSON object of headers.
 */
public final class Sign {
    private static final String PATH = "/api/user/get-profile";
    private static final String BODY = "{\"data\":[]}";

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: Sign KEYS MISTAKE");
            System.exit(2);
        }
        String keys = Files.readString(Path.of(arguments[0]));
        String mistake = arguments[1];
        ZonedDateTime now = ZonedDateTime.now(ZoneOffset.UTC);
        String date = format("EEE, dd MMM yyyy HH:mm:ss 'UTC'", now);
        String requestId = UUID.randomUUID().toString();
        String accessKey = key(keys, "access_key");
        String secretKey = key(keys, "secret_key");
        byte[] secret = Base64.getDecoder().decode(secretKey);
        String[] parts = {date, requestId, PATH, key(keys, "app_key")};
        String separator = ":";
        String hash = "HmacSHA1";
        switch (mistake) {
            case "none":
                break;
            case "secret_not_decoded":
                secret = secretKey.getBytes(StandardCharsets.UTF_8);
                break;
            case "secret_through_text":
                secret = new String(secret, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
                break;
            case "secret_is_access_key":
                secret = accessKey.getBytes(StandardCharsets.UTF_8);
                break;
            case "app_key_case":
                parts[3] = parts[3].toUpperCase(Locale.ROOT);
                break;
            case "date_zone":
                parts[0] = format("EEE, dd MMM yyyy HH:mm:ss Z", now);
                break;
            case "date_local_time":
                parts[0] = format("EEE, dd MMM yyyy HH:mm:ss z", now.withZoneSameInstant(ZoneId.of("Asia/Tokyo")));
                break;
            case "date_other_form":
                // What java.util.Date prints of itself.
                parts[0] = format("EEE MMM dd HH:mm:ss 'UTC' yyyy", now);
                break;
            case "path_host":
                parts[2] = URI.create(key(keys, "base_url")).getAuthority() + PATH;
                break;
            case "path_other":
                parts[2] = "/api/account/get-account";
                break;
            case "no_separator":
                separator = "";
                break;
            case "part_left_out":
                parts = Arrays.copyOf(parts, 3);
                break;
            case "text_utf_16":
            case "key_and_text_swapped":
                break;
            case "md5":
                hash = "HmacMD5";
                break;
            default:
                System.err.println("no mistake " + mistake);
                System.exit(2);
        }
        String text = String.join(separator, parts);
        byte[] signed =
                text.getBytes(mistake.equals("text_utf_16") ? StandardCharsets.UTF_16LE : StandardCharsets.UTF_8);
        byte[] digest = mistake.equals("key_and_text_swapped") ? mac(hash, signed, secret) : mac(hash, secret, signed);

        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Authorization", "MC " + accessKey + ":" + Base64.getEncoder().encodeToString(digest));
        headers.put("x-mc-req-id", requestId);
        headers.put("x-mc-app-id", key(keys, "app_id"));
        headers.put("x-mc-date", date);
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(key(keys, "base_url") + PATH));
        headers.forEach(request::header);
        request.header("x-matricula-explain", "1").version(HttpClient.Version.HTTP_1_1);
        request.POST(HttpRequest.BodyPublishers.ofString(BODY));
        HttpResponse<String> answer =
                HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());

        System.out.println(answer.headers().firstValue("x-matricula-explain").orElse("null"));
        StringBuilder object = new StringBuilder("{");
        headers.forEach((name, value) -> object.append(object.length() > 1 ? ", " : "")
                .append('"').append(name).append("\": \"").append(value).append('"'));
        System.out.println(object.append('}'));
    }

    private static String format(String pattern, ZonedDateTime moment) {
        return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(moment);
    }

    private static byte[] mac(String hash, byte[] key, byte[] text) throws Exception {
        Mac mac = Mac.getInstance(hash);
        mac.init(new SecretKeySpec(key, hash));
        return mac.doFinal(text);
    }

    /** A value of the flat object of texts without escapes that the file of keys is. */
    private static String key(String keys, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(keys);
        if (!matcher.find()) {
            throw new IllegalArgumentException("the file of keys has no " + name);
        }
        return matcher.group(1);
    }
}
