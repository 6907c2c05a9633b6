//! A server for this test only: in this process, on a real socket, with a clock that only the test moves.

use jiff::SignedDuration;
use matricula_example::{Onboarded, onboard};
use testkit::TestServer;
use testkit::test_control::{Fault, What};

#[tokio::test]
async fn a_colleague_is_onboarded_once() {
    let server = TestServer::start().await;
    let client = server.client();
    assert_eq!(onboard(&client, "ann@example.com", "Ann Lee").await.unwrap(), Onboarded::New);
    assert_eq!(onboard(&client, "ann@example.com", "Ann Lee").await.unwrap(), Onboarded::Known);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_account() {
    let server = TestServer::start().await;
    let control = server.control();
    control.inject(Fault { times: Some(1), ..What::DropAnswer.into() }).unwrap();
    assert_eq!(onboard(&server.client(), "ann@example.com", "Ann Lee").await.unwrap(), Onboarded::New);
    assert_eq!(control.journal().len(), 2, "it was asked twice");
}

#[tokio::test]
async fn a_key_that_has_expired_is_an_error_with_a_code() {
    let server = TestServer::start().await;
    let control = server.control();
    control.inject(What::Refuse { status: 418 }.into()).unwrap();
    let error = onboard(&server.client(), "ann@example.com", "Ann Lee").await.err().unwrap();
    assert_eq!(error.code(), Some("err_xdk_binding_expired"));
    // Only the test moves the clock.
    control.clear_faults();
    server.clock().advance(SignedDuration::from_hours(24));
    assert_eq!(onboard(&server.client(), "ann@example.com", "Ann Lee").await.unwrap(), Onboarded::New);
}
