import java.io.IOException;
import java.io.OutputStream;
import java.net.Authenticator;
import java.net.HttpURLConnection;
import java.net.PasswordAuthentication;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Shows what Java's two HTTP clients let their users see of a refusal with 401: without a signature, over plain HTTP.
 *
 * <p>Usage: java Refused KEYS ADDRESS
 *
 * <p>Prints a line for each: what was read, or which exception came.
 */
public final class Refused {
    private static final String BODY = "{\"data\":[]}";

    public static void main(String[] arguments) throws Exception {
        String keys = Files.readString(Path.of(arguments[0]));
        Matcher matcher = Pattern.compile("\"base_url\"\\s*:\\s*\"([^\"]*)\"").matcher(keys);
        matcher.find();
        String url = matcher.group(1) + "/api/account/get-account";
        System.out.println("HttpURLConnection: " + connection(url, false));
        System.out.println("HttpURLConnection, streaming: " + connection(url, true));
        System.out.println("HttpClient: " + client(url, HttpClient.newHttpClient()));
        Authenticator authenticator = new Authenticator() {
            @Override
            protected PasswordAuthentication getPasswordAuthentication() {
                return new PasswordAuthentication("ann", "secret".toCharArray());
            }
        };
        System.out.println("HttpClient with an Authenticator: "
                + client(url, HttpClient.newBuilder().authenticator(authenticator).build()));
    }

    private static String connection(String url, boolean streaming) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setRequestMethod("POST");
        connection.setDoOutput(true);
        connection.setRequestProperty("Authorization", "Bearer expired");
        byte[] body = BODY.getBytes(StandardCharsets.UTF_8);
        if (streaming) {
            connection.setFixedLengthStreamingMode(body.length);
        }
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
        int status;
        try {
            status = connection.getResponseCode();
        } catch (IOException error) {
            return error.getClass().getSimpleName();
        }
        var stream = connection.getErrorStream();
        return status + " " + (stream == null ? "no body" : code(new String(stream.readAllBytes(), StandardCharsets.UTF_8)));
    }

    private static String client(String url, HttpClient client) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .header("Authorization", "Bearer expired")
                .POST(HttpRequest.BodyPublishers.ofString(BODY))
                .build();
        try {
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() + " " + code(answer.body());
        } catch (IOException error) {
            return error.getClass().getSimpleName() + " " + error.getMessage();
        }
    }

    private static String code(String body) {
        Matcher matcher = Pattern.compile("\"code\":\"([^\"]*)\"").matcher(body);
        return matcher.find() ? matcher.group(1) : "no code";
    }
}
