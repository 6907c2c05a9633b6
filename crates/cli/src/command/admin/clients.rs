//! `matricula admin client`: applications of API 2.0.

use clap::Subcommand;
use serde_json::json;
use server::admin::{Admin, ClientRow, products};

use super::print_done;
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
    /// Disable an application and its tokens
    Disable {
        /// Its client id
        client_id: String,
    },
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
        Command::Disable { client_id } => {
            admin.disable_client(&client_id).await?;
            print_done(output, "disabled", &client_id)
        }
        Command::List => {
            let (mut objects, mut lines) = (Vec::new(), Vec::new());
            for ClientRow { client_id, name, account, role, products } in admin.clients().await? {
                let products = products.join(", ");
                // Not a table: a client id is copied, so it must not be broken.
                lines.push(format!(
                    "{client_id}\n  name      {name}\n  account   {account}\n  role      {role}\n  products  {products}"
                ));
                objects.push(json!({
                    "client_id": client_id, "name": name, "account": account, "role": role, "products": products
                }));
            }
            Ok(output.say(objects, lines.join("\n"))?)
        }
    }
}
