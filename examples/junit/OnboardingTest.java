import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.AfterClass;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Test;

/**
 * A Matricula for JUnit: started once, reset before each test. Nothing but the JDK and JUnit 4.
 *
 * <pre>
 * javac -cp /usr/share/java/junit4.jar OnboardingTest.java
 * MATRICULA=path/to/matricula java -cp .:/usr/share/java/junit4.jar:/usr/share/java/hamcrest-core.jar \
 *   org.junit.runner.JUnitCore OnboardingTest
 * </pre>
 */
public class OnboardingTest {
    private static final String CREATE = "/api/user/create-user";
    private static final String ANN = "{\"data\":[{\"emailAddress\":\"ann@example.com\",\"name\":\"Ann Lee\"}]}";
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static Process process;
    private static String keys;

    @BeforeClass
    public static void start() throws Exception {
        String program = System.getenv().getOrDefault("MATRICULA", "matricula");
        Path folder = Files.createTempDirectory("matricula");
        process = new ProcessBuilder(program, "--json", "sandbox", "--data", folder.resolve("data").toString(),
                "--listen", "127.0.0.1:0", "--control", "--no-quota", "--quiet")
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        // The first line is printed when requests are taken: the keys, as JSON.
        keys = process.inputReader(StandardCharsets.UTF_8).readLine();
    }

    @AfterClass
    public static void stop() throws Exception {
        process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }

    @Before
    public void reset() throws Exception {
        lab("POST", "reset", "");
    }

    @Test
    public void aUserIsCreatedAndASecondOneRefused() throws Exception {
        assertTrue(create(UUID.randomUUID()).body().contains("\"data\":[{\"emailAddress\":\"ann@example.com\",\"id\":"));
        assertTrue(create(UUID.randomUUID()).body().contains("err_user_already_exists"));
    }

    @Test
    public void aRepetitionGetsTheFirstAnswer() throws Exception {
        UUID id = UUID.randomUUID();
        assertEquals(create(id).body(), create(id).body());
    }

    @Test
    public void anExpiredKeyIsAnsweredWith418() throws Exception {
        lab("POST", "faults", "{\"kind\":\"refuse\",\"status\":418,\"times\":1}");
        assertEquals(418, create(UUID.randomUUID()).statusCode());
        assertEquals(200, create(UUID.randomUUID()).statusCode());
        assertTrue(lab("GET", "journal", "").contains("\"status\":418"));
    }

    private static HttpResponse<String> create(UUID id) throws Exception {
        String date = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'UTC'", Locale.ENGLISH)
                .format(ZonedDateTime.now(ZoneOffset.UTC));
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(key("secret_key")), "HmacSHA1"));
        String text = date + ":" + id + ":" + CREATE + ":" + key("app_key");
        String signature = Base64.getEncoder().encodeToString(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
        return HTTP.send(HttpRequest.newBuilder(URI.create(key("base_url") + CREATE))
                .header("Authorization", "MC " + key("access_key") + ":" + signature)
                .header("x-mc-date", date).header("x-mc-req-id", id.toString()).header("x-mc-app-id", key("app_id"))
                .POST(HttpRequest.BodyPublishers.ofString(ANN)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private static String lab(String method, String path, String body) throws Exception {
        HttpResponse<String> answer = HTTP.send(HttpRequest.newBuilder(URI.create(key("base_url") + "/sandbox/" + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofString());
        assertEquals(answer.body(), 200, answer.statusCode());
        return answer.body();
    }

    /** A value of the keys. They hold nothing that would have to be unescaped. */
    private static String key(String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(keys);
        assertTrue(name, found.find());
        return found.group(1);
    }
}
