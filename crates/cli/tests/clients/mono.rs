//! C# on mono: HttpWebRequest, which asks with `Expect: 100-continue` before it sends the body.

use crate::program::{Client, command};
use crate::sandbox::Sandbox;
use crate::{compatibility, sample, tools};

#[test]
fn csharp_waits_for_100_continue_before_the_body() {
    if !tools::has_tools("the C# client", &["mcs", "mono"]) {
        return;
    }
    let sandbox = Sandbox::start();
    let executable = sandbox.folder().join("CreateUser.exe");
    let mut out = std::ffi::OsString::from("-out:");
    out.push(&executable);
    let compiled = command("mcs").arg(out).arg(tools::file("CreateUser.cs")).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stdout));
    let client = Client::new(["mono".as_ref(), executable.as_os_str()]);

    let sent = sample::creates_once(&client, &sandbox, "åsa@example.com", "Åsa Öberg");
    assert_eq!(sent.header("Expect"), Some(&b"100-continue"[..]), "{sent}");
    assert!(sent.body().contains("\"forcePasswordChange\": False,\n"), "{sent}");
    assert!(sent.date().ends_with(" GMT"), "{sent}");
    assert_eq!(sent.header("User-Agent"), None, "{sent}");
    let order = ["Content-Type", "Authorization", "x-mc-date", "x-mc-req-id", "x-mc-app-id"];
    assert_eq!(sent.names_among(&sample::SET), order);

    let refused = sample::is_refused(&client, &sandbox);
    assert!(refused.stderr_text().contains("(401) Unauthorized"), "{refused}");
    compatibility::record_run(&compatibility::MONO, &tools::version("mono", &["--version"]));
}
