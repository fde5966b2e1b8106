//! Refusals, in the spellings that the API and what stands before it have been seen to use.

use axum::http::header::RETRY_AFTER;

use crate::contifico::switches::{ContificoSwitches, ErrorBody};
use crate::json::Json;
use crate::server::reply::Reply;

/// What a gateway says when the API does not answer.
pub(super) const GATEWAY_PAGE: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// A refusal in the spelling that the switches want.
pub(super) fn plain(switches: &ContificoSwitches, status: u16, text: &str) -> Reply {
    coded(switches, status, text, None)
}

/// A refusal with a number of the API's own.
pub(super) fn coded(switches: &ContificoSwitches, status: u16, text: &str, code: Option<u32>) -> Reply {
    let mut json = Json::default();
    json.element(|json| match switches.error_body {
        ErrorBody::Mensaje => {
            json.text("mensaje", text);
            if let Some(code) = code {
                json.value("cod_error", code);
            }
        }
        ErrorBody::Detail => json.text("detail", text),
        ErrorBody::CodeError | ErrorBody::Html => {
            json.quoted("code", status);
            json.text("error", text);
        }
    });
    match switches.error_body {
        ErrorBody::Html => Reply::html(status, GATEWAY_PAGE),
        _ => Reply::json(status, json.into_string()),
    }
}

pub(super) fn no_key(switches: &ContificoSwitches) -> Reply {
    plain(switches, 401, "Falta Credenciales")
}

/// What a wrong key, a token instead of a key and a key after `Bearer` are answered with.
pub(super) fn unknown_key(switches: &ContificoSwitches) -> Reply {
    plain(switches, 401, "Empresa matching query does not exist")
}

pub(super) fn not_found(switches: &ContificoSwitches) -> Reply {
    plain(switches, 404, "No encontrado")
}

/// The page after the last one; always in the same spelling.
pub(super) fn past_the_end(status: u16) -> Reply {
    Reply::json(
        status,
        r#"{"code":"400","error":"Pagina fuera del rango"}"#.to_owned(),
    )
}

/// What the server says when it trips over a movement.
pub(super) fn tripped(switches: &ContificoSwitches) -> Reply {
    plain(
        switches,
        500,
        "'NoneType' object has no attribute 'id_integracion'",
    )
}

pub(super) fn throttled(switches: &ContificoSwitches, retry_after: Option<u32>) -> Reply {
    let reply = plain(switches, 429, "Demasiadas peticiones");
    match retry_after {
        Some(seconds) => reply.with(RETRY_AFTER, &seconds.to_string()),
        None => reply,
    }
}
