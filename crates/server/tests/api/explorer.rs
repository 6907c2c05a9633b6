//! Every signed endpoint, struck at every step.

use crate::explore::{CALLER, Plan, Request, explore, tell};
use crate::matrix::{RestRow, rest_row, row_of};
use server::{Method, Style};
use testkit::TestServer;

#[tokio::test]
async fn whatever_strikes_in_the_middle_a_request_came_before_it_or_after_it() {
    let mut plan = Plan::new(60);
    for endpoint in server::endpoints().filter(|e| e.is_signed()) {
        let server = TestServer::start_with(|config| config.quota.enabled = false).await;
        let (path, body) = match endpoint.style() {
            Style::Rest | Style::Scim => {
                let RestRow { path, body, .. } = rest_row(&server, endpoint).await;
                (path, body)
            }
            Style::Envelope | Style::OAuth => {
                (endpoint.path.to_owned(), row_of(&server, endpoint.path).await.body.to_string())
            }
        };
        // Another one stays, so that the caller can lose its role.
        server.promote("reader@example.com", "Super Administrator").await;
        let permission = endpoint.permission.as_ref().map(ToString::to_string);
        if permission.as_deref() == Some("Partner Provisioning Role") {
            server.admin().set_role(CALLER, permission.as_deref()).await.unwrap();
        }
        let caller = server.caller_for(CALLER).await;
        let signed = caller.signed(&path);
        let headers =
            signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
        let request = Request {
            get: endpoint.method == Method::Get,
            path,
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
