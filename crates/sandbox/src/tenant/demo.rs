//! Ready-made tenants: a small reseller with made-up customers, and one of any size.
//!
//! All telephone numbers are from the fictional range 555-0100 to 555-0199.

use crate::tenant::stored::{StoredDnis, StoredDomain, StoredRoute};

/// Reseller (territory) number of all sandbox domains.
pub const RESELLER: &str = "12345";
/// The reseller's own admin domain, which lists contain and which is not a customer.
pub const ADMIN_DOMAIN: &str = "0000.12345.service";
/// The domain of [`crate::Tenant::with_routes`].
pub const SCALE_DOMAIN: &str = "scale.12345.service";

pub(crate) const DENTAL: &str = "lakesidedental.12345.service";
pub(crate) const VET: &str = "maplewoodvet.12345.service";
pub(crate) const LEGAL: &str = "harborlegal.12345.service";
pub(crate) const BAKERY: &str = "sunrisebakery.12345.service";
const KETTLE: &str = "copperkettle.12345.service";

/// Real North American area codes, so that clients which check them accept scale data.
const AREA_CODES: [u16; 100] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225,
    228, 229, 231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281,
    301, 302, 303, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321,
    323, 325, 330, 334, 336, 337, 339, 347, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407,
    408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 424, 425, 432, 434, 435, 440, 443, 469, 478,
    479, 480, 484, 501, 502,
];

/// Numbers 555-0100 to 555-0199 in one area code.
const LINES: usize = 100;

/// The demo customers, from live to brand new, and the admin domain.
pub(crate) fn domains() -> Vec<StoredDomain> {
    vec![
        StoredDomain::new(ADMIN_DOMAIN, "Reseller administration"),
        StoredDomain::new(DENTAL, "Lakeside Dental"),
        StoredDomain::new(VET, "Maplewood Vet Clinic"),
        StoredDomain::new(LEGAL, "Harbor Street Legal"),
        // Half-done: the domain exists, nobody has entered a VIP yet.
        StoredDomain::new(BAKERY, "Sunrise Bakery"),
        // Created a moment ago: the cached domain list does not know it.
        StoredDomain::new(KETTLE, "Copper Kettle Cafe").fresh(),
    ]
}

/// The VIP rules of the demo customers, in the mixed forms that years of hand entry leave.
pub(crate) fn routes() -> Vec<StoredRoute> {
    let main_line = || StoredDnis::number("16165550100");
    vec![
        StoredRoute::new(DENTAL, "16165550123", "101"),
        StoredRoute::new(DENTAL, "16165550124", "user:204").dnis(StoredDnis::number("*")),
        // Entered with 10 digits, as the PBX itself shows caller ids.
        StoredRoute::new(DENTAL, "6165550125", "102"),
        StoredRoute::new(DENTAL, "16165550126", "103").dnis(main_line()),
        // The same caller, any other called number: the more specific rule should win.
        StoredRoute::new(DENTAL, "16165550126", "101").dnis(StoredDnis::Null),
        StoredRoute::new(DENTAL, "16165550127", "sip:+16165559999@carrier.example")
            .application(Some("literal")),
        StoredRoute::new(VET, "16165550141", "301")
            .dnis(StoredDnis::number("16165550140"))
            .numeric(),
        StoredRoute::new(VET, "16165550142", "device:302b").application(Some("device")),
        StoredRoute::new(VET, "16165550143", "303@maplewoodvet.12345.service")
            .dnis(StoredDnis::number("")),
        // Somebody tried to catch callers without a number; no number matches this.
        StoredRoute::new(VET, "anonymous", "300").application(None),
        StoredRoute::new(LEGAL, "16165550161", "500"),
    ]
}

/// `n` rules with different keys in [`SCALE_DOMAIN`].
pub(crate) fn scale_routes(n: usize) -> Vec<StoredRoute> {
    (0..n)
        .map(|index| {
            let ani = fictional_number(index);
            let destination = (100 + index % 900).to_string();
            let route = StoredRoute::new(SCALE_DOMAIN, &ani, &destination);
            // Once all fictional numbers are used, the called number tells the rules apart.
            match index / (LINES * AREA_CODES.len()) {
                0 => route,
                round => route.dnis(StoredDnis::Number((16_165_550_099 + round).to_string())),
            }
        })
        .collect()
}

/// The 11-digit fictional number of that index; they repeat once all are used.
pub(crate) fn fictional_number(index: usize) -> String {
    let area_code = AREA_CODES[index / LINES % AREA_CODES.len()];
    format!("1{area_code}55501{:02}", index % LINES)
}
