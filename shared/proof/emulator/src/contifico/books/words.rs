//! Words: invented names of an Ecuadorian retailer's goods, customers and suppliers.

use crate::dice::Dice;

const GIVEN: &[&str] = &[
    "Aymara",
    "Bolívar Inti",
    "Cumandá",
    "Delfín",
    "Eulalia",
    "Fausto",
    "Gioconda",
    "Hermel",
    "Íngrid",
    "Jacinto",
    "Killari",
    "Leovigildo",
    "Mireya",
    "Nelo",
    "Ñusta",
    "Ovidio",
    "Pacarina",
    "Quilla",
    "Rumiñahui",
    "Sisa",
];

const FAMILY: &[&str] = &[
    "Albornazo",
    "Bermellón",
    "Caizaluz",
    "Chuquirima",
    "D'Alesio",
    "Echeverrín",
    "Farinlongo",
    "Guayllazaca",
    "Huachimba",
    "Iñiguazo",
    "Llumiquispe",
    "Montalvarez",
    "Ñacatero",
    "Otavalín",
    "Peñarrieta",
    "Quishpilema",
];

const HOUSES: &[&str] = &[
    "Almacén El Cóndor Azul",
    "Distribuidora Volcán Chico",
    "Comercial Río Manzano",
    "Importadora Siete Lagunas",
    "Bodega La Pambamesa",
    "Textiles Sol de Cañar",
    "Ferretería Los Tres Nevados",
    "Papelería Ñandú",
    "Calzado \"Paso Firme\"",
    "Muebles & Maderas Chontal",
];

const FORMS: &[&str] = &["S.A.", "C. LTDA.", "S.A.S.", "CÍA. LTDA."];

const GOODS: &[&str] = &[
    "CAMISA LINO",
    "ZAPATO TACO 7",
    "BLUSA FIESTA",
    "CINTURÓN CUERO",
    "MOCHILA ESCOLAR",
    "SOMBRERO TOQUILLA",
    "PONCHO ALPACA",
    "BUFANDA LANA",
    "CHOMPA NIÑO",
    "MEDIAS ALGODÓN 3/4\"",
    "CARTERA \"GALA\"",
    "BILLETERA CABALLERO",
];

const FAMILIES: &[&str] = &[
    "FIESTA CASUAL",
    "CALZADO",
    "MARROQUINERÍA",
    "NIÑOS",
    "ARTESANÍA",
    "SERVICIOS",
    "HOGAR",
    "TEMPORADA",
];

const MAKERS: &[&str] = &[
    "CHAKANA",
    "PÁRAMO",
    "TAMBO VIEJO",
    "KINTI",
    "MALVA & SAL",
    "ALPINA SUR",
];

const TRAITS: &[(&str, &[&str])] = &[
    ("COLOR", &["NEGRO", "AZUL", "CAFÉ", "VERDE OLIVA"]),
    ("TALLA", &["S", "M", "L", "XL"]),
    ("NÚMERO", &["34", "36", "38", "40", "42"]),
    ("MATERIAL", &["CUERO", "LONA", "LANA"]),
];

const STREETS: &[&str] = &[
    "Av. de los Capulíes",
    "Calle Larga del Sauce",
    "Pasaje Ñ",
    "Av. 3 de Brumario",
    "Vía a San Bejuco",
];

const TOWNS: &[&str] = &[
    "Quitumbal",
    "Guayarena",
    "Cuencanía",
    "Ambatillo Alto",
    "Mantarraya",
];

/// A person's name, families first as tax papers write it.
pub(in crate::contifico) fn person(dice: &mut Dice) -> String {
    format!("{} {} {}", dice.pick(FAMILY), dice.pick(FAMILY), dice.pick(GIVEN)).to_uppercase()
}

/// A company's name; the number keeps it unlike all others.
pub(in crate::contifico) fn company(dice: &mut Dice, number: u64) -> String {
    format!("{} {number} {}", dice.pick(HOUSES), dice.pick(FORMS)).to_uppercase()
}

pub(in crate::contifico) fn address(dice: &mut Dice) -> String {
    format!(
        "{} N{}-{}, {}",
        dice.pick(STREETS),
        dice.between(1, 70),
        dice.between(1, 299),
        dice.pick(TOWNS)
    )
}

/// Something to sell.
pub(in crate::contifico) fn good(dice: &mut Dice, number: u64) -> String {
    if number % 97 == 13 {
        return format!("AJÍ 🌶️ DE CASA {number}");
    }
    format!("{} {number}", dice.pick(GOODS))
}

pub(in crate::contifico) fn family(number: u64) -> String {
    turn(FAMILIES, number)
}

pub(in crate::contifico) fn maker(number: u64) -> String {
    turn(MAKERS, number)
}

/// A trait of goods and its values.
pub(in crate::contifico) fn feature(number: u64) -> (String, &'static [&'static str]) {
    let place = index(number, TRAITS.len());
    let (name, values) = TRAITS[place];
    (numbered(name, number, TRAITS.len()), values)
}

fn turn(list: &[&str], number: u64) -> String {
    numbered(list[index(number, list.len())], number, list.len())
}

/// The first time around a name stands alone, later with the number of the turn.
fn numbered(name: &str, number: u64, length: usize) -> String {
    let length = u64::try_from(length).unwrap_or(1).max(1);
    match number / length {
        0 => name.to_owned(),
        round => format!("{name} {}", round + 1),
    }
}

fn index(number: u64, length: usize) -> usize {
    let length = u64::try_from(length).unwrap_or(1).max(1);
    usize::try_from(number % length).unwrap_or(0)
}
