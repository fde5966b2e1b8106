//! A browser without script: what it keeps, and the forms of the pages that it looks at.

use crate::http::{Answered, send};
use crate::served::Served;

pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A browser: its cookies, and the form of the page that it looks at.
pub(crate) struct Browser<'a> {
    pub(crate) served: &'a Served,
    pub(crate) cookie: String,
    pub(crate) site: &'a str,
}

impl<'a> Browser<'a> {
    pub(crate) fn of(served: &'a Served) -> Self {
        Self {
            served,
            cookie: String::new(),
            site: "same-origin",
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        let headers = [("Cookie", self.cookie.as_str()), ("Sec-Fetch-Site", self.site)];
        send(&self.served.address, "GET", path, &headers, "").await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answered {
        let headers = [
            FORM,
            ("Cookie", self.cookie.as_str()),
            ("Sec-Fetch-Site", self.site),
        ];
        send(&self.served.address, "POST", path, &headers, form).await
    }

    pub(crate) async fn sign_in(&mut self, key: &str) {
        let form = format!("key={}&back=/runs", key.trim_start_matches("Bearer "));
        let told = self.post("/sign-in", &form).await.expect(303);
        assert_eq!(told.header("location"), Some("/runs"));
        let cookie = told.header("set-cookie").unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
    }
}

/// The value of a hidden field of a page, the first of that name.
pub(crate) fn hidden(page: &Answered, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = page
        .body
        .split_once(&field)
        .unwrap_or_else(|| panic!("no {name} in {}", page.body));
    rest.split('"').next().unwrap().to_owned()
}

/// What a form of this page sends with what is filled in.
pub(crate) fn form(page: &Answered, more: &str) -> String {
    format!(
        "proof={}&once={}&{more}",
        hidden(page, "proof"),
        hidden(page, "once")
    )
}
