//! Applications of API 2.0.

use std::collections::BTreeSet;

use directory::application::{Client, Product};
use directory::change::Change;
use directory::credentials::{new_client, new_token};
use directory::scim::{ClientToken, ScimChange, ScimSettings};
use directory::{DomainName, Role, TokenId};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{AddressFrom, Admin, AdminError, named};

/// The credentials of a new application of API 2.0. The secret cannot be read again.
pub struct NewClient {
    /// Its client id.
    pub client_id: String,
    client_secret: SecretString,
}

impl NewClient {
    /// The secret, to be shown once.
    pub fn client_secret(&self) -> &str {
        self.client_secret.expose_secret()
    }
}

/// An application of API 2.0, for lists.
pub struct ClientRow {
    /// Its client id.
    pub client_id: String,
    /// The display name.
    pub name: String,
    /// The code of its account; empty if the account is disabled.
    pub account: String,
    /// The name of its role; empty if the role no longer exists.
    pub role: String,
    /// The names of its products.
    pub products: Vec<&'static str>,
    /// How it provisions by SCIM.
    pub scim: ScimSettings,
}

impl Admin {
    /// Registers an application of API 2.0 (spec/protocol.md 8): its id has 40 random characters, its secret 256 random
    /// bits. `[ours]`
    ///
    /// # Errors
    /// When account or role do not exist, a product is unknown, or none is given.
    pub async fn add_client(
        &self,
        account: &str,
        name: &str,
        role: &str,
        products: &[&str],
    ) -> Result<NewClient, AdminError> {
        let account = self.account(account).await?;
        let role = self.role_of(&account, role).await?;
        let product =
            |name: &&str| Product::by_name(name).ok_or_else(|| AdminError::Product((*name).to_owned()));
        let products: BTreeSet<_> = products.iter().map(product).collect::<Result<_, _>>()?;
        let (client, client_secret) =
            new_client(&*self.system.entropy, account.id, named(name)?, role, products, self.now());
        let client_id = client.client_id.clone();
        self.apply(Change::AddClient(client), format!("the application {name}")).await?;
        Ok(NewClient { client_id, client_secret })
    }

    /// Disables an application of API 2.0; its tokens stop working at once.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn disable_client(&self, client_id: &str) -> Result<(), AdminError> {
        let (client, what) = self.client(client_id).await?;
        self.apply(Change::DisableClient(client.id), what).await
    }

    /// Sets or removes the domain of user names without one that an application sends by SCIM.
    ///
    /// # Errors
    /// When the application does not exist, or the domain is no internal domain of its account.
    pub async fn set_user_name_domain(
        &self,
        client_id: &str,
        domain: Option<&str>,
    ) -> Result<(), AdminError> {
        let (client, what) = self.client(client_id).await?;
        let domain = domain.map(DomainName::parse).transpose()?;
        if let Some(domain) = &domain {
            let owner = self.store.domains(std::slice::from_ref(domain)).await?.pop().flatten();
            if owner.is_none_or(|owner| owner.account != client.account) {
                return Err(AdminError::NotFound(format!(
                    "internal domain {domain} of the application's account"
                )));
            }
        }
        let settings = ScimSettings { user_name_domain: domain, ..client.scim };
        self.apply(Change::Scim(ScimChange::SetSettings(client.id, settings)), what).await
    }

    /// Sets the attribute from which an application's users get their address.
    ///
    /// # Errors
    /// When the application does not exist.
    pub async fn set_address_from(&self, client_id: &str, from: AddressFrom) -> Result<(), AdminError> {
        let (client, what) = self.client(client_id).await?;
        let settings = ScimSettings { address_from: from, ..client.scim };
        self.apply(Change::Scim(ScimChange::SetSettings(client.id, settings)), what).await
    }

    /// Sets or removes the most users that an application may delete by SCIM in an hour.
    ///
    /// # Errors
    /// When the application does not exist.
    pub async fn set_deletions_an_hour(&self, client_id: &str, most: Option<u32>) -> Result<(), AdminError> {
        let (client, what) = self.client(client_id).await?;
        let settings = ScimSettings { deletions_an_hour: most, ..client.scim };
        self.apply(Change::Scim(ScimChange::SetSettings(client.id, settings)), what).await
    }

    /// Issues a token of an application that lasts, for SCIM: until a time, or until it is revoked. It is shown once.
    ///
    /// # Errors
    /// When the application does not exist, or has two valid tokens.
    pub async fn add_token(
        &self,
        client_id: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<(TokenId, SecretString), AdminError> {
        let (client, what) = self.client(client_id).await?;
        let (kept, token) = new_token(&*self.system.entropy, client.id, expires_at, self.now());
        let id = kept.id;
        self.apply(Change::Scim(ScimChange::AddToken(kept)), what).await?;
        Ok((id, token))
    }

    /// Revokes a token of an application at once.
    ///
    /// # Errors
    /// When the application has no such token.
    pub async fn revoke_token(&self, client_id: &str, token: TokenId) -> Result<(), AdminError> {
        let what = format!("token {token}");
        let tokens = self.tokens(client_id).await?;
        if !tokens.iter().any(|(kept, _)| kept.id == token) {
            return Err(AdminError::NotFound(what));
        }
        self.apply(Change::Scim(ScimChange::RevokeToken(token)), what).await
    }

    /// The tokens of an application that were not revoked, oldest first, each with its last recorded use. Nodes record it
    /// with a delay.
    ///
    /// # Errors
    /// When the application does not exist.
    pub async fn tokens(&self, client_id: &str) -> Result<Vec<(ClientToken, Option<Timestamp>)>, AdminError> {
        let tokens = self.store.tokens(self.client(client_id).await?.0.id).await?;
        let ids: Vec<_> = tokens.iter().map(|token| *token.id.as_bytes()).collect();
        let used = self.store.usage_of(&ids).await?;
        let last = used.into_iter().map(|used| used.map(|used| used.last_used_at));
        Ok(tokens.into_iter().zip(last).collect())
    }

    /// An application, and its name in messages.
    async fn client(&self, client_id: &str) -> Result<(Client, String), AdminError> {
        let what = format!("application {client_id}");
        let client = self.store.client_by_name(client_id).await?;
        client.ok_or_else(|| AdminError::NotFound(what.clone())).map(|client| (client, what))
    }

    /// All applications of API 2.0 that are not disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, AdminError> {
        let (accounts, roles) = (self.accounts().await?, self.roles().await?);
        let row = |client: Client| {
            let account = accounts.iter().find(|account| account.id == client.account);
            let role = roles.iter().find(|role: &&Role| role.id == client.role);
            ClientRow {
                account: account.map(|account| account.code.to_string()).unwrap_or_default(),
                role: role.map(|role| role.name.clone()).unwrap_or_default(),
                products: client.products.iter().map(|product| product.as_str()).collect(),
                client_id: client.client_id,
                name: client.name,
                scim: client.scim,
            }
        };
        Ok(self.store.list_clients().await?.into_iter().map(row).collect())
    }
}

/// The names of all products.
pub fn products() -> Vec<&'static str> {
    Product::ALL.into_iter().map(Product::as_str).collect()
}
