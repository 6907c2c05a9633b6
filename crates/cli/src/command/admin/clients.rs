//! `matricula admin client`: applications of API 2.0.

use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;
use server::admin::{AddressFrom, Admin, ClientRow, Timestamp, TokenId, products};

use super::{in_days, print_done};
use crate::output::{Failed, Output};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Register an application and print its secret, which cannot be shown again
    Add {
        /// The account's code
        #[arg(long, value_name = "CODE")]
        account: String,
        /// Display name
        #[arg(long)]
        name: String,
        /// Its role: a built-in one or one of the account's own
        #[arg(long, default_value = "Basic Administrator")]
        role: String,
        /// A product whose endpoints it may call; may be repeated
        #[arg(long = "product", value_name = "PRODUCT", required = true, value_parser = products())]
        products: Vec<String>,
    },
    /// List the applications
    List,
    /// Let an application send user names without a domain by SCIM; without DOMAIN, they must be addresses again
    UserNameDomain {
        /// The application's client id
        client_id: String,
        /// An internal domain of its account: the user name ann means ann@DOMAIN
        domain: Option<String>,
    },
    /// Choose the attribute that is the address of a user by SCIM
    AddressFrom {
        /// The application's client id
        client_id: String,
        /// With emails, userName is a name of the application's own
        #[arg(value_parser = ["userName", "emails"])]
        attribute: String,
    },
    /// Limit the users that an application may delete by SCIM in an hour; without MOST, there is no limit
    DeletionsAnHour {
        /// The application's client id
        client_id: String,
        /// The most users in an hour; 0: none
        most: Option<u32>,
    },
    /// Tokens that last, for SCIM
    #[command(subcommand)]
    Token(Token),
    /// Disable an application and its tokens
    Disable {
        /// Its client id
        client_id: String,
    },
}

#[derive(Subcommand)]
pub(super) enum Token {
    /// Issue a token and print it; it cannot be shown again. An application has at most two
    Add {
        /// The application's client id
        client_id: String,
        /// Days until it ends; without it, it ends when it is revoked
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=65_535))]
        days: Option<u32>,
    },
    /// List the tokens of an application
    List {
        /// The application's client id
        client_id: String,
    },
    /// Revoke a token at once
    Revoke {
        /// The application's client id
        client_id: String,
        /// The token's id, as the list shows it
        token: TokenId,
    },
}

async fn run_token(admin: &Admin, command: Token, output: &Output) -> Result<(), Failed> {
    match command {
        Token::Add { client_id, days } => {
            let end = in_days(days);
            let (id, token) = admin.add_token(&client_id, end).await?;
            let end = end.map(|end| end.to_string());
            let token = token.expose_secret();
            Ok(output.say(
                json!({ "id": id.to_string(), "token": token, "expires_at": end }),
                format_args!(
                    "id     {id}\nends   {}\ntoken  {token}",
                    end.as_deref().unwrap_or("when it is revoked")
                ),
            )?)
        }
        Token::List { client_id } => {
            let rows = admin.tokens(&client_id).await?.into_iter().map(|(token, used)| {
                let or_never =
                    |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
                vec![
                    token.id.to_string(),
                    token.created_at.to_string(),
                    or_never(token.expires_at),
                    or_never(used),
                ]
            });
            Ok(output.rows(&["id", "created", "ends", "used"], rows.collect())?)
        }
        Token::Revoke { client_id, token } => {
            admin.revoke_token(&client_id, token).await?;
            print_done(output, "revoked", &token.to_string())
        }
    }
}

pub(super) async fn run(admin: &Admin, command: Command, output: &Output) -> Result<(), Failed> {
    match command {
        Command::Add { account, name, role, products } => {
            let products: Vec<_> = products.iter().map(String::as_str).collect();
            let new = admin.add_client(&account, &name, &role, &products).await?;
            let (client_id, client_secret) = (&new.client_id, new.client_secret());
            Ok(output.say(
                json!({ "client_id": client_id, "client_secret": client_secret }),
                format_args!("client_id      {client_id}\nclient_secret  {client_secret}"),
            )?)
        }
        Command::UserNameDomain { client_id, domain } => {
            admin.set_user_name_domain(&client_id, domain.as_deref()).await?;
            print_done(output, "changed", &client_id)
        }
        Command::AddressFrom { client_id, attribute } => {
            let from = AddressFrom::by_name(&attribute).unwrap_or_default();
            admin.set_address_from(&client_id, from).await?;
            print_done(output, "changed", &client_id)
        }
        Command::DeletionsAnHour { client_id, most } => {
            admin.set_deletions_an_hour(&client_id, most).await?;
            print_done(output, "changed", &client_id)
        }
        Command::Token(command) => run_token(admin, command, output).await,
        Command::Disable { client_id } => {
            admin.disable_client(&client_id).await?;
            print_done(output, "disabled", &client_id)
        }
        Command::List => {
            let (mut objects, mut lines) = (Vec::new(), Vec::new());
            for ClientRow { client_id, name, account, role, products, scim } in admin.clients().await? {
                let products = products.join(", ");
                // Not a table: a client id is copied, so it must not be broken.
                lines.push(format!(
                    "{client_id}\n  name      {name}\n  account   {account}\n  role      {role}\n  products  {products}\n  scim      {scim}"
                ));
                objects.push(json!({
                    "client_id": client_id, "name": name, "account": account, "role": role, "products": products,
                    "address_from": scim.address_from.as_str(),
                    "user_name_domain": scim.user_name_domain.map(|domain| domain.to_string()),
                    "deletions_an_hour": scim.deletions_an_hour,
                }));
            }
            Ok(output.say(objects, lines.join("\n"))?)
        }
    }
}
