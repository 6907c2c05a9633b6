import java.io.PrintStream;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;

/** Prints a day of every month as the Java sample writes it, in every language Java knows: seconds, tab, date, tab, language. */
class JavaDates {
    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (Locale locale : Locale.getAvailableLocales()) {
            SimpleDateFormat format = new SimpleDateFormat("EEE, d MMM yyyy HH:mm:ss z", locale);
            format.setTimeZone(TimeZone.getTimeZone("UTC"));
            for (int month = 0; month < 12; month++) {
                long seconds = 1_767_431_108L + month * 2_635_000L;
                out.println(seconds + "\t" + format.format(new Date(seconds * 1000)) + "\t" + locale.toLanguageTag());
            }
        }
    }
}
