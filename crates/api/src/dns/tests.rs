use std::net::SocketAddr;
use std::sync::Arc;

use hickory_server::Server;
use hickory_server::proto::rr::rdata::{CNAME, SOA, TXT};
use hickory_server::proto::rr::{LowerName, Record};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

fn name(text: &str) -> Name {
    Name::from_ascii(format!("{text}.")).unwrap()
}

fn domain(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

/// The zone `example.com`.
fn zone() -> Catalog {
    let soa = SOA::new(name("ns.example.com"), name("postmaster.example.com"), 1, 60, 60, 60, 60);
    let txt = |strings: &[&str]| RData::TXT(TXT::new(strings.iter().map(|&text| text.to_owned()).collect()));
    let mut records = vec![
        ("example.com", RData::SOA(soa)),
        ("example.com", txt(&["v=spf1 -all"])),
        ("example.com", txt(&["matricula-", "token"])),
        ("alias.example.com", RData::CNAME(CNAME(name("example.com")))),
        ("bare.example.com", RData::A(std::net::Ipv4Addr::LOCALHOST.into())),
        ("binary.example.com", RData::TXT(TXT::from_bytes(vec![b"\xe4\xfc"]))),
    ];
    // More than fits into a datagram.
    records.extend((0..20).map(|n| ("long.example.com", txt(&[&n.to_string(), &"x".repeat(200)]))));
    let mut handler: InMemoryZoneHandler =
        InMemoryZoneHandler::empty(name("example.com"), ZoneType::Primary, AxfrPolicy::Deny);
    for (owner, data) in records {
        assert!(handler.upsert_mut(Record::from_rdata(name(owner), 60, data), 1));
    }
    let mut catalog = Catalog::new();
    catalog.upsert(LowerName::new(&name("example.com")), vec![Arc::new(handler)]);
    catalog
}

/// A server of that zone, over UDP and TCP on one port. It stops when dropped.
async fn serve() -> (Server<Catalog>, SocketAddr) {
    let (udp, tcp) = loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let address = tcp.local_addr().unwrap();
    let mut server = Server::new(zone());
    server.register_socket(udp);
    server.register_listener(tcp, Duration::from_secs(5), 32);
    (server, address)
}

fn asking(resolver: SocketAddr) -> Domains {
    Domains { resolvers: vec![resolver], timeout_seconds: 1, ..Domains::default() }
}

#[tokio::test]
async fn records_are_found_whole() {
    let (_server, address) = serve().await;
    let txt = TxtLookup::new(&asking(address)).unwrap();
    assert!(!txt.offline());
    for alike in ["example.com", "EXAMPLE.com", "alias.example.com"] {
        let mut records = txt.records(&domain(alike)).await.unwrap();
        records.sort();
        assert_eq!(records, ["matricula-token", "v=spf1 -all"], "{alike}");
    }
    assert_eq!(txt.records(&domain("binary.example.com")).await.unwrap(), ["\u{fffd}\u{fffd}"]);
}

#[tokio::test]
async fn records_that_no_datagram_holds_are_found_too() {
    let (_server, address) = serve().await;
    let records =
        TxtLookup::new(&asking(address)).unwrap().records(&domain("long.example.com")).await.unwrap();
    assert_eq!(records.len(), 20);
    assert!(records.contains(&format!("19{}", "x".repeat(200))));
}

#[tokio::test]
async fn no_domain_and_no_record_are_no_error() {
    let (_server, address) = serve().await;
    let txt = TxtLookup::new(&asking(address)).unwrap();
    for without in ["absent.example.com", "bare.example.com"] {
        assert!(txt.records(&domain(without)).await.unwrap().is_empty(), "{without}");
    }
}

#[tokio::test]
async fn a_resolver_that_can_t_tell_is_an_error() {
    let (_server, address) = serve().await;
    let error = TxtLookup::new(&asking(address)).unwrap().records(&domain("example.org")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "DNS lookup of example.org failed: Query Refused. Check the domain's name servers, or try again \
         later"
    );
}

#[tokio::test]
async fn a_resolver_that_is_silent_is_an_error() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let txt = TxtLookup::new(&asking(silent.local_addr().unwrap())).unwrap();
    let error = txt.records(&domain("example.com")).await.unwrap_err();
    assert_eq!(error.to_string(), "DNS lookup of example.com timed out after 1 s. Try again later");
}

#[tokio::test]
async fn a_silent_resolver_is_no_harm_beside_one_that_answers() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (_server, address) = serve().await;
    let resolvers = vec![silent.local_addr().unwrap(), address];
    let txt = TxtLookup::new(&Domains { resolvers, ..Domains::default() }).unwrap();
    assert_eq!(txt.records(&domain("example.com")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn offline_nobody_is_asked() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let domains = Domains { verification: Verification::Offline, ..asking(silent.local_addr().unwrap()) };
    let txt = TxtLookup::new(&domains).unwrap();
    assert!(txt.offline());
    assert!(txt.records(&domain("example.com")).await.unwrap().is_empty());
    assert!(silent.try_recv(&mut [0; 512]).is_err(), "no datagram came");
}
