//! The meaning of a field by its name: of a column, a JSON key or an LDAP attribute.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a field says about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An address; of several, the lowest rank is taken.
    Address(u8),
    /// A display name; of several, the lowest rank is taken.
    Name(u8),
    FirstName,
    LastName,
    Password,
    PasswordHash,
    AccountCode,
    /// Whether the password must be changed.
    MustChange,
    /// Whether the user is active.
    Active,
    /// Whether the user is disabled.
    Disabled,
    /// Whether the user is locked.
    Locked,
    /// Since when the user is locked (`pwdAccountLockedTime`, `lockoutTime`).
    LockedSince,
    /// Since when the user is disabled, deleted or suspended.
    DisabledSince,
    /// A word for the state, such as `suspended`.
    Status,
    /// A word for the state, or a part of a country: other words are ignored.
    StatusOrRegion,
    /// The letters of Samba's `sambaAcctFlags`.
    SambaFlags,
    /// A role of 389 Directory Server (`nsRoleDN`), which may disable the user.
    RoleOfDirectory,
    /// When the account expires.
    Expires,
    /// The bits of Active Directory's `userAccountControl`.
    AccountControl,
    /// When the password was set; 0: it must be changed.
    PasswordSetAt,
    /// Whether the row is an alias, in exports of the console.
    Alias,
    /// Whose alias the row is: the user's own address.
    AliasOf,
    /// The kinds of an LDAP entry.
    ObjectClass,
    /// Known, and not needed.
    Ignored,
    /// Unknown, but its name suggests a password, a state or a forced change: to ignore it could activate a user.
    Suspect,
    Unknown,
}

impl Meaning {
    /// Whether it says that a user is active or not.
    pub(super) fn is_state(self) -> bool {
        matches!(
            self,
            Active
                | Disabled
                | DisabledSince
                | Locked
                | LockedSince
                | Status
                | StatusOrRegion
                | AccountControl
                | SambaFlags
                | RoleOfDirectory
        )
    }
}

use Meaning::{
    AccountCode, AccountControl, Active, Address, Alias, AliasOf, Disabled, DisabledSince, Expires,
    FirstName, Ignored, LastName, Locked, LockedSince, MustChange, Name, ObjectClass, Password, PasswordHash,
    PasswordSetAt, RoleOfDirectory, SambaFlags, Status, StatusOrRegion,
};

/// Rank of an address that may also be a login name.
pub(super) const LOGIN_NAME: u8 = 6;

/// The names, without case, blanks and punctuation.
pub(super) const NAMES: &[(Meaning, &[&str])] = &[
    (Address(0), &["emailaddress"]),
    (Address(1), &["primarysmtpaddress", "primaryemail", "primaryemailaddress", "windowsemailaddress"]),
    (
        Address(2),
        &["email", "workemail", "emailwork", "businessemail", "companyemail", "emailid", "profileemail"],
    ),
    (Address(3), &["mail", "rfc822mailbox"]),
    (
        Address(4),
        &[
            "emailadresse",
            "adresseemail",
            "adressemail",
            "courriel",
            "correo",
            "correoelectronico",
            "correoelectrónico",
            "email1value",
        ],
    ),
    (Address(5), &["address"]),
    (Address(LOGIN_NAME), &["userprincipalname", "upn"]),
    (Address(7), &["username", "login", "loginname", "profilelogin", "benutzername"]),
    (Name(0), &["displayname", "anzeigename", "nomcomplet", "nombrecompleto", "profiledisplayname"]),
    (Name(1), &["name", "fullname", "namefullname", "nameformatted"]),
    (Name(2), &["cn", "commonname"]),
    (
        FirstName,
        &[
            "firstname",
            "givenname",
            "vorname",
            "prenom",
            "prénom",
            "nombre",
            "namegivenname",
            "profilefirstname",
        ],
    ),
    (
        LastName,
        &[
            "lastname",
            "surname",
            "sn",
            "familyname",
            "nachname",
            "nom",
            "apellido",
            "apellidos",
            "namefamilyname",
            "profilelastname",
        ],
    ),
    (
        Password,
        &[
            "password",
            "passwort",
            "kennwort",
            "motdepasse",
            "contraseña",
            "contrasena",
            "initialpassword",
            "temporarypassword",
            "plaintextpassword",
            "cleartextpassword",
            "userpassword",
            "passwordprofile",
            "passwordprofilepassword",
            "passwd",
            "pwd",
        ],
    ),
    (PasswordHash, &["passwordhash", "hash", "hashedpassword"]),
    (AccountCode, &["accountcode", "account"]),
    (
        MustChange,
        &[
            "forcepasswordchange",
            "mustchangepassword",
            "usermustchangepassword",
            "usermustchangepasswordatnextlogon",
            "changepasswordatnextlogon",
            "changepasswordatnextlogin",
            "changepasswordatnextsignin",
            "forcechangepasswordnextsignin",
            "forcechangepasswordnextlogon",
            "passwordprofileforcechangepasswordnextsignin",
            "requirepasswordchange",
            "passwordchangerequired",
            "passwordresetrequired",
            "resetpasswordonnextlogin",
            "resetpasswordonnextlogon",
            "passwordexpired",
            "pwdreset",
            "forcepasswordreset",
            "forcepwdchange",
            "pwmustchange",
        ],
    ),
    (
        Active,
        &[
            "active",
            "isactive",
            "enabled",
            "isenabled",
            "accountenabled",
            "accountactive",
            "useractive",
            "userenabled",
            "aktiv",
            "aktiviert",
            "actif",
            "activo",
            "habilitado",
            "loginallowed",
            "logonallowed",
            "allowlogin",
            "canlogin",
        ],
    ),
    (
        Disabled,
        &[
            "disabled",
            "isdisabled",
            "accountdisabled",
            "userdisabled",
            "accountisdisabled",
            "inactive",
            "isinactive",
            "blocked",
            "isblocked",
            "accountblocked",
            "blocksignin",
            "anmeldungblockieren",
            "bloquerlaconnexion",
            "bloqueariniciodesesion",
            "bloqueariniciodesesión",
            "signinblocked",
            "blockcredential",
            "suspended",
            "issuspended",
            "deactivated",
            "isdeactivated",
            "archived",
            "isarchived",
            "deleted",
            "isdeleted",
            "nsaccountlock",
            "logindisabled",
            "dspwpaccountdisabled",
            "deaktiviert",
            "gesperrt",
            "désactivé",
            "desactive",
            "desactivado",
            "bloqueado",
        ],
    ),
    (
        Locked,
        &[
            "locked",
            "islocked",
            "accountlocked",
            "isaccountlocked",
            "lockedout",
            "islockedout",
            "accountlockedout",
        ],
    ),
    (
        LockedSince,
        &[
            "pwdaccountlockedtime",
            "lockouttime",
            "lockedat",
            "lockedon",
            "lockedsince",
            "blockedat",
            "blockedon",
        ],
    ),
    (
        Status,
        &[
            "status",
            "accountstatus",
            "accountstate",
            "userstatus",
            "userstate",
            "inetuserstatus",
            "newstatus",
            "lifecyclestatus",
            "employmentstatus",
            "employeestatus",
            "kontostatus",
            "statut",
        ],
    ),
    (StatusOrRegion, &["state", "estado", "profilestate"]),
    (
        DisabledSince,
        &[
            "deletedat",
            "deletedon",
            "deletedtime",
            "disabledat",
            "deactivatedat",
            "suspendedat",
            "suspendedon",
            "terminatedat",
        ],
    ),
    (SambaFlags, &["sambaacctflags"]),
    (RoleOfDirectory, &["nsroledn", "nsrole"]),
    (
        Expires,
        &[
            "accountexpires",
            "accountexpirationdate",
            "krbprincipalexpiration",
            "shadowexpire",
            "expirationdate",
            "expiresat",
        ],
    ),
    (AccountControl, &["useraccountcontrol", "msdsuseraccountcontrolcomputed"]),
    (PasswordSetAt, &["pwdlastset", "shadowlastchange"]),
    (Alias, &["alias"]),
    (AliasOf, &["aliasof", "aliasfor"]),
    (ObjectClass, &["objectclass"]),
    (
        Ignored,
        &[
            "passwordneverexpires",
            "passwordnotrequired",
            "cannotchangepassword",
            "passwordpolicies",
            "badpwdcount",
            "badlogoncount",
            "emailverified",
            "dn",
            "version",
            "changetype",
        ],
    ),
];

/// Parts of names that suggest a password, a state or a forced change.
const SUSPECT: &[&str] = &[
    "passw",
    "kennwort",
    "pwd",
    "motdepasse",
    "contrase",
    "secret",
    "hash",
    "credential",
    "enabled",
    "disabled",
    "active",
    "locked",
    "blocked",
    "suspend",
    "status",
    "deactivat",
    "expired",
    "mustchange",
    "nextlog",
    "nextsignin",
    "passphrase",
    "gesperrt",
    "blockiert",
    "deaktiviert",
    "inaktiv",
    "désactiv",
    "desactiv",
    "bloqu",
    "inactif",
    "inactiv",
];

/// Parts of names that ask for something: no time, number or function.
const DEMANDS: &[&str] = &["force", "must", "require"];

/// Ends of names that make a suspect harmless: they are about a time, a number or a function.
const HARMLESS: &[&str] =
    &["date", "time", "at", "edon", "set", "changed", "change", "count", "id", "timestamp"];

/// The meaning of a name. A template may explain it in brackets: `Name [displayName] Required`.
pub(super) fn meaning(name: &str) -> Meaning {
    // Most names are plain words.
    if let Some(known) = known(&plain(name)) {
        return known;
    }
    let (outside, inside) = without_brackets(name);
    if let Some(known) = known(&plain(&outside)) {
        return known;
    }
    match inside.into_iter().map(plain).find_map(|name| known(&name)) {
        // The words outside may say the opposite: a template asks whether to block, and means `accountEnabled`.
        Some(state) if state.is_state() && !plain(&outside).is_empty() => Meaning::Suspect,
        Some(known) => known,
        None => unknown(&plain(&outside)),
    }
}

fn known(plain: &str) -> Option<Meaning> {
    static BY_NAME: LazyLock<HashMap<&str, Meaning>> = LazyLock::new(|| {
        let pairs = NAMES.iter().flat_map(|(meaning, names)| names.iter().map(|name| (*name, *meaning)));
        pairs.collect()
    });
    BY_NAME.get(plain).copied()
}

fn unknown(plain: &str) -> Meaning {
    let suspect = SUSPECT.iter().any(|part| plain.contains(part));
    let demands = DEMANDS.iter().any(|part| plain.contains(part));
    let harmless = plain.starts_with("last") || HARMLESS.iter().any(|end| plain.ends_with(end));
    if suspect && (demands || !harmless) { Meaning::Suspect } else { Meaning::Unknown }
}

/// The name in lower case, without blanks and punctuation.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The text outside brackets, without a closing `Required`, and the texts inside.
fn without_brackets(name: &str) -> (String, Vec<&str>) {
    let (mut outside, mut inside, mut rest) = (String::new(), Vec::new(), name);
    while let Some(open) = rest.find(['[', '(']) {
        let close = if rest[open..].starts_with('[') { ']' } else { ')' };
        let Some(length) = rest[open..].find(close) else { break };
        outside.push_str(&rest[..open]);
        inside.push(&rest[open + 1..open + length]);
        rest = &rest[open + length + 1..];
    }
    if inside.is_empty() {
        return (name.to_owned(), inside);
    }
    let rest = rest.trim();
    let words = ["required", "optional", "erforderlich", "obligatoire", "obligatorio", "requis", "*"];
    if !words.iter().any(|word| rest.eq_ignore_ascii_case(word)) {
        outside.push_str(rest);
    }
    (outside, inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_meaning_however_it_is_written() {
        let groups: &[(Meaning, &[&str])] = &[
            (Address(0), &["emailAddress", "Email Address [Required]", "EMAIL_ADDRESS", "e-mail address"]),
            (Name(1), &["Name (Last, First)", "name", "Name [displayName] Required"]),
            (Address(7), &["User name [userPrincipalName] Required"]),
            (
                Disabled,
                &[
                    "Block sign in (Yes/No) [accountEnabled] Required",
                    "Anmeldung blockieren (Ja/Nein) [accountEnabled] Erforderlich",
                    "Bloquer la connexion (Oui/Non) [accountEnabled] Obligatoire",
                    "Account Disabled",
                    "isBlocked",
                ],
            ),
            (Active, &["Enabled", "accountEnabled", "ACTIVE"]),
            (MustChange, &["Change Password at Next Sign-In [UPLOAD ONLY]", "forcepasswordchange"]),
            (Status, &["Status [READ ONLY]", "New Status [UPLOAD ONLY]", "lifecycle.status"]),
            (
                Meaning::Suspect,
                &[
                    "AdminPassword2",
                    "ssoEnabled",
                    "Password Hash Function [UPLOAD ONLY]",
                    "Blocca accesso (Sì/No) [accountEnabled] Obbligatorio",
                    "Compte désactivé",
                    "Konto gesperrt",
                    "Require password change date",
                    "Pass Phrase",
                ],
            ),
            (DisabledSince, &["deleted_at", "suspendedOn", "deactivatedAt"]),
            (StatusOrRegion, &["State"]),
            (
                Meaning::Unknown,
                &["Badge", "PasswordLastSet", "lastActiveDate", "passwordChanged", "statusChangedAt"],
            ),
        ];
        for (expected, names) in groups {
            for name in *names {
                assert_eq!(meaning(name), *expected, "{name}");
            }
        }
    }

    #[test]
    fn no_name_has_two_meanings() {
        let mut all: Vec<&str> = NAMES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| plain(name) == *name), "each is as it is looked up");
    }
}
