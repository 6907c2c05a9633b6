//! Every signed endpoint of API 1.0, struck at every step.

use crate::explore::{CALLER, Plan, Request, explore, tell};
use crate::matrix::row_of;
use server::Style;
use testkit::TestServer;

#[tokio::test]
async fn whatever_strikes_in_the_middle_a_request_came_before_it_or_after_it() {
    let mut plan = Plan::new(60);
    for endpoint in server::endpoints().filter(|e| e.is_signed() && e.style() == Style::Envelope) {
        let server = TestServer::start_with(|config| config.quota.enabled = false).await;
        let body = row_of(&server, endpoint.path).await.body.to_string();
        // Another one stays, so that the caller can lose its role.
        server.promote("reader@example.com", "Super Administrator").await;
        let permission = endpoint.permission.as_ref().map(ToString::to_string);
        if permission.as_deref() == Some("Partner Provisioning Role") {
            server.admin().set_role(CALLER, permission.as_deref()).await.unwrap();
        }
        let caller = server.caller_for(CALLER).await;
        let signed = caller.signed(endpoint.path);
        let headers =
            signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
        let request = Request {
            get: false,
            path: endpoint.path.to_owned(),
            headers,
            body,
            access_key: caller.keys().access_key.clone(),
            app_id: caller.keys().app_id.clone(),
            once: true,
        };
        let fixture = server.fixture().await;
        explore(&mut plan, &fixture, &request).await;
    }
    tell("endpoints", &plan.told);
}
