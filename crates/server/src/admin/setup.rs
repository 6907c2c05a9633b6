//! A new directory in one step: account, domain, administrator, application and key pair.

use auth::PasswordHasher;
use directory::change::Change;
use directory::credentials::{new_application, new_binding};
use directory::password::Policy;
use directory::role::BuiltIn;
use directory::user::User;
use directory::{Account, AccountCode, AccountId, Domain, DomainId, DomainName, EmailAddress, UserId};
use secrecy::SecretString;

use super::users::hash_by_policy;
use super::{Admin, AdminError, NewApplication, NewBinding, named};

/// What a new directory begins with. `[ours]`
#[derive(Clone, Debug)]
pub struct Beginning {
    code: AccountCode,
    name: String,
    domain: DomainName,
    administrator: EmailAddress,
    application: String,
}

impl Beginning {
    /// Reads the names. Without a code the account gets one from its domain; without an address the administrator is
    /// `administrator@` the domain; without a name the account is called like its domain.
    ///
    /// # Errors
    /// When a name, the domain, the address or the code is invalid, or the address is in another domain.
    pub fn parse(
        domain: &str,
        name: Option<&str>,
        code: Option<&str>,
        administrator: Option<&str>,
        application: &str,
    ) -> Result<Self, AdminError> {
        let domain = DomainName::parse(domain)?;
        let code = AccountCode::parse(code.unwrap_or(&code_of(&domain)))?;
        let administrator = match administrator {
            Some(address) => EmailAddress::parse(address)?,
            None => EmailAddress::parse(&format!("administrator@{domain}"))?,
        };
        if administrator.domain_name() != domain {
            return Err(AdminError::ForeignAddress(administrator, code));
        }
        let name = named(name.unwrap_or(domain.as_str()))?.to_owned();
        Ok(Self { code, name, domain, administrator, application: named(application)?.to_owned() })
    }

    /// Checks a password for the administrator by the policy of a new account.
    ///
    /// # Errors
    /// When it violates the policy.
    pub fn check_password(&self, password: &str) -> Result<(), AdminError> {
        let unmet = Policy::default().unmet(password, &[self.administrator.as_str()]);
        if unmet.is_empty() { Ok(()) } else { Err(AdminError::Password(unmet)) }
    }

    /// The account's code.
    pub fn code(&self) -> &AccountCode {
        &self.code
    }

    /// The internal domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// The administrator's address.
    pub fn administrator(&self) -> &EmailAddress {
        &self.administrator
    }
}

/// A code such as `CACME00001`, in the form of the service's codes.
fn code_of(domain: &DomainName) -> String {
    let label = domain.as_str().split('.').next().unwrap_or_default();
    let letters = label.chars().filter(char::is_ascii_alphanumeric).take(8).collect::<String>();
    format!("C{}00001", letters.to_ascii_uppercase())
}

impl Admin {
    /// Makes the beginning of a directory, all of it or nothing. `keep` gets the keys before anything is stored: they
    /// cannot be read again, so what cannot keep them ends here. The administrator is a Super Administrator.
    ///
    /// # Errors
    /// When the directory has an account already, the password violates the default policy, or the keys are not kept.
    pub async fn begin<E: From<AdminError>>(
        &self,
        beginning: &Beginning,
        password: Option<(&SecretString, &PasswordHasher)>,
        keep: impl FnOnce(&NewApplication, &NewBinding) -> Result<(), E>,
    ) -> Result<(), E> {
        let Beginning { code, name, domain, administrator, application } = beginning;
        if let Some(account) = self.accounts().await?.first() {
            return Err(AdminError::AlreadyExists(format!("the account {}", account.code)).into());
        }
        let now = self.now();
        let id = AccountId::at(now, &self.randomness());
        let account = Account::new(id, code.clone(), name.clone(), Vec::new(), now);
        let password = match password {
            Some((password, hasher)) => {
                Some(hash_by_policy(&account, administrator, "", password, hasher).await?)
            }
            None => None,
        };
        let (domain_id, user_id) =
            (DomainId::at(now, &self.randomness()), UserId::at(now, &self.randomness()));
        let user = User {
            password,
            role: Some(BuiltIn::SuperAdministrator.id()),
            ..User::new(user_id, account.id, administrator.clone(), now)
        };
        let entropy = &*self.system.entropy;
        let application = new_application(entropy, account.id, application, now);
        let binding = new_binding(entropy, user_id, application.id, None, now);
        keep(&NewApplication::of(&application), &NewBinding::of(&binding))?;
        let domain = Domain::new(domain_id, account.id, domain.clone(), now);
        let changes = vec![
            Change::AddAccount(account),
            Change::AddDomain(domain),
            Change::AddUser(user),
            Change::AddApplication(application),
            Change::AddBinding(binding),
        ];
        Ok(self.apply_all(changes, format!("the account {code}")).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_comes_from_the_domain() {
        let code = |domain| code_of(&DomainName::parse(domain).unwrap());
        assert_eq!(code("acme.example"), "CACME00001");
        assert_eq!(code("a-very-long-name.example"), "CAVERYLON00001");
        assert!(AccountCode::parse(&code("xn--bcher-kva.example")).is_ok());
    }

    #[test]
    fn an_administrator_is_in_the_domain() {
        let parse = |address| Beginning::parse("acme.example", None, None, address, "HR");
        assert_eq!(parse(None).unwrap().administrator.as_str(), "administrator@acme.example");
        let error = parse(Some("ann@other.example")).unwrap_err().to_string();
        assert!(error.starts_with("ann@other.example is not in an internal domain"), "{error}");
        for name in ["", " ", "a\u{200b}", &"x".repeat(257)] {
            let error = Beginning::parse("acme.example", Some(name), None, None, "HR").unwrap_err();
            assert!(matches!(error, AdminError::Name(_)), "{error}");
        }
    }
}
