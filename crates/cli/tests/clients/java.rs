//! Java: HttpURLConnection, commons-codec, dates in the language of the machine.

use std::path::Path;

use crate::program::{Client, command};
use crate::relay::Sent;
use crate::sandbox::Sandbox;
use crate::{compatibility, sample, tools};

/// The path in Debian's libcommons-codec-java.
const COMMONS_CODEC: &str = "/usr/share/java/commons-codec.jar";

#[test]
fn java_sends_a_bare_false() {
    let Some((client, sandbox)) = java("the Java client", &["-Duser.language=en", "-Duser.country=US"])
    else {
        return;
    };
    let sent = sample::creates_once(&client, &sandbox, "ann@example.com", "Ann Lee");
    is_the_samples(&sent);
    let refused = sample::is_refused(&client, &sandbox);
    assert!(refused.stderr_text().contains("Server returned HTTP response code: 401"), "{refused}");
}

#[test]
fn java_in_german_names_the_days_in_german() {
    let Some((client, sandbox)) =
        java("the Java client in German", &["-Duser.language=de", "-Duser.country=DE"])
    else {
        return;
    };
    let sent = sample::creates_once(&client, &sandbox, "jörg@example.com", "Jörg Weiß");
    is_the_samples(&sent);
    let weekday = sent.date().split(',').next().unwrap();
    assert!(["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."].contains(&weekday), "{sent}");
}

#[test]
fn java_in_russian_sends_a_header_in_utf_8() {
    let Some((client, sandbox)) =
        java("the Java client in Russian", &["-Duser.language=ru", "-Duser.country=RU"])
    else {
        return;
    };
    let sent = sample::creates_once(&client, &sandbox, "anna@example.com", "Анна");
    is_the_samples(&sent);
    assert!(!sent.date().is_ascii(), "{sent}");
}

#[test]
fn java_in_japanese_sends_the_month_as_a_number() {
    let Some((client, sandbox)) =
        java("the Java client in Japanese", &["-Duser.language=ja", "-Duser.country=JP"])
    else {
        return;
    };
    let sent = sample::creates_once(&client, &sandbox, "anna@example.com", "安奈");
    is_the_samples(&sent);
    assert!(sent.date().contains("月 "), "{sent}");
    compatibility::record_run(&compatibility::JAVA, &tools::java_version());
}

#[test]
fn java_in_countries_that_shorten_months_otherwise_is_understood() {
    for (country, name) in [("AU", "ann"), ("CA", "bob"), ("GB", "eve")] {
        let what = format!("the Java client in English of {country}");
        let country = format!("-Duser.country={country}");
        let Some((client, sandbox)) = java(&what, &["-Duser.language=en", &country]) else { return };
        is_the_samples(&sample::creates_once(&client, &sandbox, &format!("{name}@example.com"), "Ann Lee"));
    }
}

#[test]
fn java_with_another_calendar_or_other_digits_is_refused() {
    let thai = ["-Duser.language=th", "-Duser.country=TH"];
    let arabic = ["-Duser.language=ar", "-Duser.country=EG"];
    let imperial = ["-Duser.language=ja", "-Duser.country=JP", "-Duser.variant=JP"];
    for (options, part) in [(&thai[..], "2569"), (&arabic, "٢"), (&imperial, "月 8 ")] {
        let Some((client, sandbox)) = java("the Java client with another calendar", options) else { return };
        let refused = client.create(&sandbox, "ann@example.com", "Ann Lee", &[]);
        assert!(!refused.is_good(), "{refused}");
        assert!(refused.sent.date().contains(part), "{refused}");
        assert!(sandbox.log().contains("err_xdk_invalid_date"), "{}", sandbox.log());
    }
}

#[test]
fn java_speaks_https_as_the_sample_does() {
    let what = "the Java client over TLS";
    if !tools::has_tools(what, &["keytool"]) {
        return;
    }
    let Some((client, sandbox)) = java_with(what, &["-Duser.language=en"], Sandbox::start_tls) else {
        return;
    };
    client.trusts_not_everybody(&sandbox, "unable to find valid certification path");

    let store = sandbox.folder().join("trust.p12");
    let imported = command("keytool")
        .args(["-importcert", "-noprompt", "-alias", "sandbox", "-storepass", "changeit", "-file"])
        .arg(sandbox.key("ca_file"))
        .arg("-keystore")
        .arg(&store)
        .output()
        .unwrap();
    assert!(imported.status.success(), "{imported:?}");
    let trust = format!("-Djavax.net.ssl.trustStore={}", store.display());
    let trust = [trust.as_str(), "-Djavax.net.ssl.trustStorePassword=changeit", "-Duser.language=en"];
    let client = compiled(&sandbox, &trust);
    client.creates_once(&sandbox, "ann@example.com");
    compatibility::record_run(&compatibility::JAVA_TLS, &tools::java_version());
}

#[test]
fn java_shows_what_it_can_of_a_refusal() {
    if !tools::has_tools("Java's clients, refused", &["java", "javac"]) {
        return;
    }
    let sandbox = Sandbox::start();
    let mut compiler = command("javac");
    compiler.arg("-d").arg(sandbox.folder()).arg(tools::file("Refused.java"));
    let compiling = compiler.output().unwrap();
    assert!(compiling.status.success(), "{}", String::from_utf8_lossy(&compiling.stderr));
    let client = Client::new(["java", "-cp", sandbox.folder().to_str().unwrap(), "Refused"]);
    let output = client.run(&sandbox.keys_with(&[]), &["ann@example.com"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A 401 without a challenge would be an exception of HttpClient. The Authenticator takes the caller's own header away.
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "HttpURLConnection: 401 token_invalid\n\
         HttpURLConnection, streaming: 401 no body\n\
         HttpClient: 401 token_invalid\n\
         HttpClient with an Authenticator: 400 err_xdk_missing_header\n"
    );
    compatibility::record_run(&compatibility::JAVA_REFUSED, &tools::java_version());
}

/// The compiled client, and a server for it.
fn java(what: &str, options: &[&str]) -> Option<(Client, Sandbox)> {
    java_with(what, options, Sandbox::start)
}

fn java_with(what: &str, options: &[&str], start: fn() -> Sandbox) -> Option<(Client, Sandbox)> {
    if !(tools::has_tools(what, &["java", "javac"]) && tools::has_file(what, Path::new(COMMONS_CODEC))) {
        return None;
    }
    let sandbox = start();
    let folder = sandbox.folder().to_str().unwrap();
    let source = tools::file("CreateUser.java");
    let compiling = command("javac")
        .args(["-encoding", "UTF-8", "-cp", COMMONS_CODEC, "-d", folder])
        .arg(source)
        .output();
    let compiling = compiling.unwrap();
    assert!(compiling.status.success(), "{}", String::from_utf8_lossy(&compiling.stderr));
    let client = compiled(&sandbox, options);
    Some((client, sandbox))
}

/// The client compiled into the folder of the sandbox, run with these options of Java.
fn compiled(sandbox: &Sandbox, options: &[&str]) -> Client {
    let classes = format!("{COMMONS_CODEC}:{}", sandbox.folder().display());
    Client::new([&["java"], options, &["-cp", &classes, "CreateUser"]].concat())
}

fn is_the_samples(sent: &Sent) {
    assert!(sent.body().contains("\"forcePasswordChange\": False,\n"), "{sent}");
    assert!(sent.date().ends_with(" UTC"), "{sent}");
    let day = sent.date().split_once(", ").unwrap().1;
    assert!(day.starts_with(|digit: char| digit.is_ascii_digit() && digit != '0'), "{sent}");
    let order = ["Authorization", "x-mc-req-id", "x-mc-app-id", "x-mc-date", "Content-Type", "Accept"];
    assert_eq!(sent.names_among(&sample::SET), order);
}
