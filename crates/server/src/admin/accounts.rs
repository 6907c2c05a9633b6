//! Accounts, domains and roles.

use directory::change::Change;
use directory::login::{AuthenticationProfile, NamedProfile};
use directory::password::Policy;
use directory::role::BuiltIn;
use directory::settings::{self, SettingsUpdate};
use directory::{
    Account, AccountCode, AccountId, Domain, DomainId, DomainName, Permission, ProfileId, Role, RoleId,
};

use super::{Admin, AdminError, named};

impl Admin {
    /// Adds an account below another one or at the top.
    ///
    /// # Errors
    /// When the code or the name is invalid, the code is taken, or the parent does not exist.
    pub async fn add_account(
        &self,
        code: &str,
        name: &str,
        parent: Option<&str>,
    ) -> Result<AccountId, AdminError> {
        let code = AccountCode::parse(code)?;
        // An account may have none.
        let name = if name.is_empty() { name } else { named(name)? };
        let above = match parent {
            Some(parent) => {
                let parent = self.account(parent).await?;
                std::iter::once(parent.id).chain(parent.above).collect()
            }
            None => Vec::new(),
        };
        let id = AccountId::at(self.now(), &self.randomness());
        let account = Account::new(id, code.clone(), name.to_owned(), above, self.now());
        self.apply(Change::AddAccount(account), format!("the account {code}")).await.map(|()| id)
    }

    /// Disables an account: its users can make no more calls.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn disable_account(&self, code: &str) -> Result<(), AdminError> {
        let account = self.account(code).await?;
        self.apply(Change::DisableAccount(account.id), format!("the account {code}")).await
    }

    /// All accounts that are not disabled.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts(&self) -> Result<Vec<Account>, AdminError> {
        Ok(self.store.list_accounts().await?)
    }

    /// Changes the password policy of an account, and returns the new one.
    ///
    /// # Errors
    /// When the account does not exist.
    pub async fn change_policy(
        &self,
        code: &str,
        change: impl FnOnce(&mut Policy),
    ) -> Result<Policy, AdminError> {
        let account = self.account(code).await?;
        let mut policy = account.password_policy.clone();
        change(&mut policy);
        if policy != account.password_policy {
            self.apply(Change::SetPolicy(account.id, policy.clone()), format!("the account {code}")).await?;
        }
        Ok(policy)
    }

    /// Changes settings of an account: its packages, and whether `Basic-AD` is treated as `Basic-Cloud`.
    ///
    /// # Errors
    /// When the account does not exist, or a package has no proper name.
    pub async fn change_settings(
        &self,
        code: &str,
        packages: Option<&[String]>,
        basic_ad_as_cloud: Option<bool>,
    ) -> Result<(), AdminError> {
        let account = self.account(code).await?;
        let packages = packages.map(settings::packages).transpose().map_err(|_| AdminError::Package)?;
        let update = SettingsUpdate { packages, basic_ad_as_cloud, ..SettingsUpdate::default() };
        self.apply(Change::SetSettings(account.id, update), format!("the account {code}")).await
    }

    /// Sets the base of an account for LDAP clients, or removes it: then it is that of the account's first domain. Returns
    /// the base as it is shown.
    ///
    /// # Errors
    /// When the account does not exist, the base is no distinguished name, it belongs to another account, or the tree of one
    /// would have the other one's inside.
    pub async fn set_ldap_base(&self, code: &str, base: Option<&str>) -> Result<Option<String>, AdminError> {
        let account = self.account(code).await?;
        let base = base.map(ldap::base).transpose()?;
        if let Some(base) = &base {
            let all = self.store.list_accounts().await?;
            for other in all.into_iter().filter(|other| other.id != account.id) {
                let theirs = self.ldap_base_of(other.id).await?;
                if theirs.is_some_and(|theirs| ldap::are_mixed(&base.name, &theirs)) {
                    let (base, code) = (base.name.clone(), other.code.to_string());
                    return Err(AdminError::LdapBaseMixed { base, code });
                }
            }
        }
        let name = base.as_ref().map(|base| base.name.clone());
        let what = name.clone().unwrap_or_else(|| format!("the account {code}"));
        self.apply(Change::SetLdapBase(account.id, base), what).await.map(|()| name)
    }

    /// The base of an account for LDAP clients; `None`: it has no domain, and none was set.
    ///
    /// # Errors
    /// When the account does not exist.
    pub async fn ldap_base(&self, code: &str) -> Result<Option<String>, AdminError> {
        let account = self.account(code).await?;
        self.ldap_base_of(account.id).await
    }

    async fn ldap_base_of(&self, account: AccountId) -> Result<Option<String>, AdminError> {
        let root = self.store.ldap_root(account).await?;
        Ok(root.and_then(|root| {
            let first =
                root.domains.first().map(|domain| ldap::dn::Dn::of_domain(domain.as_str()).to_string());
            root.base.or(first)
        }))
    }

    /// Adds an authentication profile: the life of key pairs in hours, and the most key pairs per user and application.
    ///
    /// # Errors
    /// When the account does not exist or has a profile of this name.
    pub async fn add_profile(
        &self,
        account: &str,
        name: &str,
        life_hours: Option<u32>,
        max_bindings: u32,
    ) -> Result<(), AdminError> {
        let binding_life = life_hours.map(|hours| super::hours(i64::from(hours)));
        let profile = NamedProfile {
            id: ProfileId::at(self.now(), &self.randomness()),
            account: self.account(account).await?.id,
            name: name.to_owned(),
            profile: AuthenticationProfile { binding_life, max_bindings },
        };
        self.apply(Change::AddProfile(profile), format!("the profile {name}")).await
    }

    /// Sets or removes the authentication profile of an account or of one of its users.
    ///
    /// # Errors
    /// When any of them does not exist.
    pub async fn assign_profile(
        &self,
        account: &str,
        name: Option<&str>,
        user: Option<&str>,
    ) -> Result<(), AdminError> {
        let code = account;
        let account = self.account(code).await?;
        let profile = match name {
            Some(name) => {
                let of_account = |named: &NamedProfile| {
                    named.account == account.id && named.name.eq_ignore_ascii_case(name)
                };
                let found = self.store.list_profiles().await?.into_iter().find(of_account);
                let found = found
                    .ok_or_else(|| AdminError::NotFound(format!("profile {name} in the account {code}")));
                Some(found?.id)
            }
            None => None,
        };
        match user {
            Some(address) => {
                let user = self.user(address).await?;
                if user.account != account.id {
                    return Err(AdminError::NotFound(format!("user {address} in the account {code}")));
                }
                self.apply(Change::SetProfile(user.id, profile), format!("the user {address}")).await
            }
            None => {
                self.apply(Change::SetAccountProfile(account.id, profile), format!("the account {code}"))
                    .await
            }
        }
    }

    /// All authentication profiles.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn profiles(&self) -> Result<Vec<NamedProfile>, AdminError> {
        Ok(self.store.list_profiles().await?)
    }

    /// Adds an internal domain to an account.
    ///
    /// # Errors
    /// When the domain name is invalid, or the domain already belongs to an account.
    pub async fn add_domain(&self, account: &str, domain: &str) -> Result<(), AdminError> {
        let account = self.account(account).await?;
        let name = DomainName::parse(domain)?;
        let id = DomainId::at(self.now(), &self.randomness());
        let domain = Domain::new(id, account.id, name.clone(), self.now());
        self.apply(Change::AddDomain(domain), format!("the domain {name}")).await
    }

    /// Removes an internal domain. Its users remain.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn remove_domain(&self, domain: &str) -> Result<(), AdminError> {
        let name = DomainName::parse(domain)?;
        let what = format!("the domain {name}");
        let found = self.store.list_domains().await?.into_iter().find(|domain| domain.name == name);
        let domain = found.ok_or_else(|| AdminError::NotFound(what.clone()))?;
        self.apply(Change::RemoveDomain(domain.id), what).await
    }

    /// All domains.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn domains(&self) -> Result<Vec<Domain>, AdminError> {
        Ok(self.store.list_domains().await?)
    }

    /// Adds a role to an account.
    ///
    /// # Errors
    /// When the name or a permission is invalid, or the account has a role of this name.
    pub async fn add_role(
        &self,
        account: &str,
        name: &str,
        permissions: &[String],
    ) -> Result<(), AdminError> {
        let name = named(name)?;
        let what = format!("the role {name}");
        if BuiltIn::by_name(name).is_some() {
            return Err(AdminError::AlreadyExists(what));
        }
        let account = self.account(account).await?;
        let permissions = permissions.iter().map(|text| Permission::parse(text)).collect::<Result<_, _>>()?;
        let id = RoleId::at(self.now(), &self.randomness());
        let role = Role { id, account: Some(account.id), name: name.to_owned(), permissions, partner: false };
        self.apply(Change::AddRole(role), what).await
    }

    /// Removes a role that nobody holds.
    ///
    /// # Errors
    /// When it does not exist, or users hold it.
    pub async fn remove_role(&self, id: RoleId) -> Result<(), AdminError> {
        self.apply(Change::RemoveRole(id), "the role".to_owned()).await
    }

    /// The built-in roles and those of all accounts.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn roles(&self) -> Result<Vec<Role>, AdminError> {
        let mut roles: Vec<_> = BuiltIn::ALL.into_iter().map(BuiltIn::role).collect();
        roles.extend(self.store.list_roles().await?);
        Ok(roles)
    }

    pub(super) async fn account(&self, code: &str) -> Result<Account, AdminError> {
        let code = AccountCode::parse(code)?;
        let accounts = self.store.list_accounts().await?;
        let found = accounts.into_iter().find(|account| account.code == code);
        found.ok_or_else(|| AdminError::NotFound(format!("account {code}")))
    }

    pub(super) async fn role_of(&self, account: &Account, name: &str) -> Result<RoleId, AdminError> {
        if let Some(role) = BuiltIn::by_name(name) {
            return Ok(role.id());
        }
        let roles = self.store.list_roles().await?;
        let found = roles
            .into_iter()
            .find(|role| role.account == Some(account.id) && role.name.eq_ignore_ascii_case(name));
        found
            .map(|role| role.id)
            .ok_or_else(|| AdminError::NotFound(format!("role {name} in the account {}", account.code)))
    }
}
