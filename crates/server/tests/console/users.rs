//! Creating, changing and removing users.

use testkit::TestServer;

use crate::{administrator, link, location, path};

#[tokio::test]
async fn a_user_is_created_changed_locked_and_removed() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let form = [("address", "ann@example.com"), ("name", "Ann Lee"), ("how", "generate"), ("force", "on")];
    let made = browser.post(&path("/users/new"), &form).await;
    assert_eq!(made.status, 200, "{made}");
    assert!(made.body.contains("ann@example.com is created"), "{made}");
    let again = browser.post(&path("/users/new"), &form).await;
    assert_eq!(again.status, 422);
    assert!(again.body.contains("A user with this address already exists"), "{again}");

    let list = browser.get(&path("/users")).await;
    let ann = link(&list, "ann@example.com");
    let page = browser.get(&ann).await;
    assert!(page.body.contains("Ann Lee") && page.body.contains("must change password"), "{page}");

    let edited = browser.post(&ann, &[("name", "Ann <Lee> & Co"), ("smtp", "on")]).await;
    let page = browser.get(&location(&edited)).await;
    assert!(page.body.contains("Ann &#60;Lee&#62; &#38; Co"), "{page}");
    assert!(!page.body.contains("<Lee>"), "{page}");

    let rename = format!("{ann}/address");
    let refused = browser.post(&rename, &[("address", "ann@elsewhere.example")]).await;
    assert_eq!(refused.status, 422, "{refused}");
    let renamed = browser.post(&rename, &[("address", "Ann.Ray@example.com"), ("keep", "on")]).await;
    let page = browser.get(&location(&renamed)).await;
    assert!(page.body.contains("<h1>Ann.Ray@example.com</h1>"), "{page}");
    assert!(page.body.contains("<span>ann@example.com</span>"), "{page}");
    let renamed = browser.post(&rename, &[("address", "ann@example.org")]).await;
    assert_eq!(renamed.status, 422, "{renamed}");

    let locked = browser.post(&format!("{ann}/state"), &[("to", "lock")]).await;
    let page = browser.get(&location(&locked)).await;
    assert!(page.body.contains(">locked</span>") && page.body.contains("<button>Undo</button>"), "{page}");
    assert!(server.admin().user("ann.ray@example.com").await.unwrap().locked);
    browser.post(&format!("{ann}/state"), &[("to", "unlock")]).await;
    assert!(!server.admin().user("ann.ray@example.com").await.unwrap().locked);

    let refused = browser.post(&format!("{ann}/remove"), &[("confirm", "bob@example.com")]).await;
    assert_eq!(refused.status, 422);
    let removed = browser.post(&format!("{ann}/remove"), &[("confirm", "ANN.Ray@Example.com")]).await;
    assert_eq!(location(&removed), path("/users?done=remove"));
    assert_eq!(browser.get(&ann).await.status, 404);
}

#[tokio::test]
async fn a_one_time_password_is_shown_once_and_must_be_changed() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let reader = link(&browser.get(&path("/users")).await, "reader@example.com");
    let reset = browser.post(&format!("{reader}/password"), &[("sure", "yes")]).await;
    let password = reset.body.split("<code id=\"password\">").nth(1).unwrap().split('<').next().unwrap();
    let login = server.log_in("reader@example.com", password).await;
    assert_eq!(login.codes(), ["err_user_password_change_required"], "{login}");
    assert!(!browser.get(&reader).await.body.contains(password));
    // The password is changed during the sign-in.
    let mut reader = server.browser();
    let told = reader.sign_in("reader@example.com", password).await;
    assert_eq!(told.status, 422);
    assert!(told.body.contains("Your password must be changed before you can sign in"), "{told}");
    let new = "Staple 4 horses, correctly";
    let fields = [("address", "reader@example.com"), ("password", password), ("new", new), ("again", new)];
    let entered = reader.send("/console/password", &fields).await;
    assert_eq!(location(&entered), "/console");
    assert_eq!(reader.get(&path("/users")).await.status, 200);
}

#[tokio::test]
async fn a_user_of_the_domain_is_shown_without_forms_and_is_not_removed() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let postmaster = link(&browser.get(&path("/users")).await, "postmaster@example.com");
    let page = browser.get(&postmaster).await;
    assert!(
        page.body.contains("Domain postMaster address") && page.body.contains(">of the domain</span>"),
        "{page}"
    );
    assert!(
        !page.body.contains("<button>Reset password</button>") && !page.body.contains("Remove …"),
        "{page}"
    );
    let confirm = [("confirm", "postmaster@example.com")];
    let removed = browser.post(&format!("{postmaster}/remove"), &confirm).await;
    assert_eq!(removed.status, 422, "{removed}");
    assert!(removed.body.contains("belongs to its domain"), "{removed}");
    let locked = browser.post(&format!("{postmaster}/state"), &[("to", "lock"), ("sure", "yes")]).await;
    assert_eq!(locked.status, 422, "{locked}");
    let reset = browser.post(&format!("{postmaster}/password"), &[("sure", "yes")]).await;
    assert!(!reset.body.contains("<code id=\"password\">"), "{reset}");
    assert!(server.admin().user("postmaster@example.com").await.unwrap().password.is_none());
}
