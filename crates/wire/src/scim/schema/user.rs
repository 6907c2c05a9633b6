//! The schemas of users (RFC 7643, 4.1 and 4.3).

use super::{Attribute, Kind, Mutability, ResourceType, Returned, Schema};

/// Users.
pub static USER: ResourceType = ResourceType {
    name: "User",
    description: "User Account",
    endpoint: "/Users",
    schema: &USER_SCHEMA,
    extensions: &[&ENTERPRISE_USER_SCHEMA],
};

/// The core schema of users.
pub static USER_SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::text("userName", "Name with which the user signs in.").needed().unique(),
        Attribute::complex("name", NAME, "Parts of the user's name."),
        Attribute::text("displayName", "Name shown to others."),
        Attribute::text("nickName", "Informal name."),
        Attribute::reference("profileUrl", &["external"], "URL of the user's profile."),
        Attribute::text("title", "Job title."),
        Attribute::text("userType", "Relation to the organization, such as Employee."),
        Attribute::text("preferredLanguage", "Preferred language, as in Accept-Language."),
        Attribute::text("locale", "Language tag for numbers, dates and currencies."),
        Attribute::text("timezone", "Time zone, such as Europe/Berlin."),
        Attribute::boolean("active", "Whether the user may sign in."),
        PASSWORD,
        Attribute::list("emails", EMAIL, "E-mail addresses."),
        Attribute::list("phoneNumbers", PHONE_NUMBER, "Telephone numbers."),
        Attribute::list("ims", IM, "Addresses of instant messaging."),
        Attribute::list("photos", PHOTO, "URLs of pictures."),
        Attribute::list("addresses", ADDRESS, "Postal addresses."),
        Attribute::list("groups", MEMBERSHIP, "Groups of the user.").read_only(),
        Attribute::list("entitlements", ENTITLEMENT, "Entitlements."),
        Attribute::list("roles", ROLE, "Roles."),
        Attribute::list("x509Certificates", CERTIFICATE, "Certificates."),
    ],
};

/// The enterprise extension of users.
pub static ENTERPRISE_USER_SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::text("employeeNumber", "Number given by the organization."),
        Attribute::text("costCenter", "Cost center."),
        Attribute::text("organization", "Organization."),
        Attribute::text("division", "Division."),
        Attribute::text("department", "Department."),
        Attribute::complex("manager", MANAGER, "The user's manager."),
    ],
};

const PASSWORD: Attribute = Attribute {
    mutability: Mutability::WriteOnly,
    returned: Returned::Never,
    ..Attribute::text("password", "Password in clear text. It can be set and never read.").exact()
};

const NAME: &[Attribute] = &[
    Attribute::text("formatted", "Full name."),
    Attribute::text("familyName", "Last name."),
    Attribute::text("givenName", "First name."),
    Attribute::text("middleName", "Middle names."),
    Attribute::text("honorificPrefix", "Title before the name."),
    Attribute::text("honorificSuffix", "Suffix after the name."),
];

const DISPLAY: Attribute = Attribute::text("display", "Human-readable form.");
const PRIMARY: Attribute =
    Attribute::boolean("primary", "Whether this is the preferred one; at most one is.");

const fn label(values: &'static [&'static str]) -> Attribute {
    Attribute::text("type", "Label of its use.").canonical(values)
}

const WORK_HOME_OTHER: &[&str] = &["work", "home", "other"];

const EMAIL: &[Attribute] =
    &[Attribute::text("value", "E-mail address."), DISPLAY, label(WORK_HOME_OTHER), PRIMARY];

const PHONE_NUMBER: &[Attribute] = &[
    Attribute::text("value", "Telephone number."),
    DISPLAY,
    label(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

const IM: &[Attribute] = &[
    Attribute::text("value", "Address."),
    DISPLAY,
    label(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTO: &[Attribute] = &[
    Attribute::reference("value", &["external"], "URL of the picture."),
    DISPLAY,
    label(&["photo", "thumbnail"]),
    PRIMARY,
];

const ADDRESS: &[Attribute] = &[
    Attribute::text("formatted", "The whole address, with line breaks."),
    Attribute::text("streetAddress", "Street and number."),
    Attribute::text("locality", "City."),
    Attribute::text("region", "State or region."),
    Attribute::text("postalCode", "Postal code."),
    Attribute::text("country", "Country, as in ISO 3166-1 alpha-2."),
    label(WORK_HOME_OTHER),
    PRIMARY,
];

const MEMBERSHIP: &[Attribute] = &[
    Attribute::text("value", "Id of the group.").exact().read_only(),
    Attribute::reference("$ref", &["Group"], "URI of the group.").read_only(),
    DISPLAY.read_only(),
    label(&["direct", "indirect"]).read_only(),
];

const ENTITLEMENT: &[Attribute] =
    &[Attribute::text("value", "The entitlement."), DISPLAY, label(&[]), PRIMARY];

const ROLE: &[Attribute] = &[Attribute::text("value", "The role."), DISPLAY, label(&[]), PRIMARY];

const CERTIFICATE: &[Attribute] =
    &[Attribute::new("value", Kind::Binary, "The certificate: DER in base64."), DISPLAY, label(&[]), PRIMARY];

const MANAGER: &[Attribute] = &[
    Attribute::text("value", "Id of the manager.").exact(),
    Attribute::reference("$ref", &["User"], "URI of the manager."),
    Attribute::text("displayName", "The manager's name.").read_only(),
];
