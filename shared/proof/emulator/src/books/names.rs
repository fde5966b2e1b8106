//! Names: invented words for companies, people and goods, with every script and quote that a warehouse must survive.

use crate::dice::Dice;
use crate::options::Region;

const HOUSES: [&[&str]; 2] = [
    &[
        "Marrowbrook",
        "Tallowick",
        "Fennimoor",
        "Quillander",
        "Oxbarrow",
        "Stonewhistle",
        "Harrowmint",
        "Pellucid",
        "Brindlecote",
        "Wexmere",
        "Ottersby",
        "Larkhollow",
        "Cinderford",
        "Velvaroon",
        "Thistlemark",
        "Umberline",
    ],
    &[
        "Tourvelle",
        "Lacombière",
        "Boisjoyeux",
        "Grandpréval",
        "Rivièrelle",
        "Montcourçon",
        "Clairvoisin",
        "Hautfleurie",
        "Pontgarnier",
        "Saulnoix",
        "Vertmanoir",
        "Bellégarde",
        "Fontaçay",
        "Neigebourg",
        "Érablière-Nord",
        "Cœurvaillant",
    ],
];

const TRADES: [&[&str]; 2] = [
    &[
        "Tiling",
        "Bakery",
        "Orchards",
        "Bicycle Works",
        "Print & Paper",
        "Roofing",
        "Veterinary",
        "Freight",
        "Ceramics",
        "Tea Rooms",
        "Joinery",
        "Aquatics",
        "Instruments",
        "Nurseries",
        "Signs",
        "Upholstery",
    ],
    &[
        "Boulangerie",
        "Ébénisterie",
        "Quincaillerie",
        "Imprimerie",
        "Fromagerie",
        "Plomberie",
        "Librairie",
        "Traiteur",
        "Électricité",
        "Pépinière",
        "Brûlerie",
        "Toitures",
        "Lunetterie",
        "Cordonnerie",
        "Chocolaterie",
        "Déménagement",
    ],
];

const GIVEN: [&[&str]; 2] = [
    &[
        "Orlen", "Tavia", "Brisco", "Maelwyn", "Jorunn", "Pax", "Sabeth", "Ivo", "Zelda", "Corwin",
    ],
    &[
        "Aurèle",
        "Mélodine",
        "Fabrice",
        "Noëlla",
        "Gaëtane",
        "Thibaud",
        "Zoé-Lune",
        "Célestin",
        "Maïté",
        "Hervé",
    ],
];

const FAMILY: [&[&str]; 2] = [
    &[
        "O'Dunmarrow",
        "Vantreight-Sole",
        "Hexley",
        "Quarrington",
        "Bellwether",
        "Småland",
        "Pryde",
        "Underhay",
    ],
    &[
        "L'Espérançon",
        "Dufrênois",
        "Tremblanois",
        "D'Aubercy",
        "Lachanceux",
        "Gagnebois",
        "Çavelier",
        "Roylande",
    ],
];

/// Whole names in other scripts, with emoji, quotes and apostrophes; all of them made up.
const UNUSUAL: &[&str] = &[
    "月灘工房",
    "北雲茶屋 株式会社",
    "푸른달 상점",
    "مخبز النجمة الزرقاء",
    "נגריית הירח הכחול",
    "Пекарня «Синий журавль»",
    "Pixel & Paw 🐾",
    "Étoile 🌟 du Nord",
    "\"Big\" Odo's Goods",
    "Ma’s Kitchen – “Fresh”",
    "Back\\Slash Records",
    "Zażółć Gęślą Sp. z o.o.",
    "Ångström & Søn ApS",
    "कमल वस्त्र भंडार",
    "👩‍🔧 Repairs",
    "100% Cotton_Co.",
];

const PROJECTS: [&[&str]; 2] = [
    &[
        "Showroom",
        "Warehouse B",
        "North Wing",
        "Spring Refit",
        "Unit 7",
        "Harbour Kiosk",
    ],
    &[
        "Salle d'exposition",
        "Entrepôt B",
        "Aile nord",
        "Rénovation d'été",
        "Local 7",
        "Kiosque du port",
    ],
];

const GOODS: [&[&str]; 2] = [
    &[
        "Oak Plank",
        "Copper Hinge",
        "Site Survey",
        "Hourly Labour",
        "Glazed Tile",
        "Rain Gutter",
        "Brass Lamp",
        "Seed Mix",
        "Wool Felt",
        "Garden Bench",
        "Paint, Café au Lait",
        "Bolt 3/8\"",
        "Design Session",
        "Delivery",
    ],
    &[
        "Planche d'érable",
        "Charnière en cuivre",
        "Relevé sur place",
        "Main-d'œuvre",
        "Carreau émaillé",
        "Gouttière",
        "Lampe en laiton",
        "Mélange de semences",
        "Feutre de laine",
        "Banc de jardin",
        "Peinture « Crème brûlée »",
        "Boulon 3/8\"",
        "Séance de conception",
        "Livraison",
    ],
];

const STREETS: [&[&str]; 2] = [
    &[
        "Tinder Row",
        "Old Mill Lane",
        "Quay Street",
        "Larch Avenue",
        "Fable Court",
    ],
    &[
        "rue des Brumes",
        "chemin du Vieux-Moulin",
        "avenue des Mélèzes",
        "boul. de l'Aurore",
        "côte Sainte-Fable",
    ],
];

const TOWNS: [&[(&str, &str, &str)]; 2] = [
    &[
        ("Eastmarrow", "CA", "94900"),
        ("Port Fennel", "WA", "98900"),
        ("Dry Creek Falls", "TX", "75900"),
    ],
    &[
        ("Saint-Brumeux", "QC", "G0X 9Z9"),
        ("Val-des-Fables", "QC", "J0V 9Z9"),
        ("Pointe-Claironne", "QC", "H9Z 9Z9"),
    ],
];

fn of<T>(lists: [&'static [T]; 2], region: Region) -> &'static [T] {
    match region {
        Region::Us => lists[0],
        Region::Ca => lists[1],
    }
}

/// A customer's name; the number keeps it unlike all others of its list.
pub(crate) fn customer(dice: &mut Dice, region: Region, number: u64) -> String {
    // By turns and not by chance, so that even the smallest list has them all.
    if number % 7 == 4 {
        let turn = usize::try_from(number / 7).unwrap_or(0);
        return format!("{} {number}", UNUSUAL[turn % UNUSUAL.len()]);
    }
    let house = *dice.pick(of(HOUSES, region));
    let trade = *dice.pick(of(TRADES, region));
    match (region, dice.below(3)) {
        (Region::Us, 0) => format!("{house} {trade} #{number}"),
        (Region::Us, _) => format!("{house} {trade} {number}"),
        (Region::Ca, 0) => format!("{trade} de {house} nº {number}"),
        (Region::Ca, _) => format!("{trade} {house} {number}"),
    }
}

/// The name of a job for a customer.
pub(crate) fn project(dice: &mut Dice, region: Region, number: u64) -> String {
    format!("{} {number}", dice.pick(of(PROJECTS, region)))
}

/// The name of something to sell.
pub(crate) fn good(dice: &mut Dice, region: Region, number: u64) -> String {
    let name = dice.pick(of(GOODS, region));
    if dice.chance(4) {
        format!("{name} 🧰 {number}")
    } else {
        format!("{name} {number}")
    }
}

/// A person's given and family name.
pub(crate) fn person(dice: &mut Dice, region: Region) -> (&'static str, &'static str) {
    (*dice.pick(of(GIVEN, region)), *dice.pick(of(FAMILY, region)))
}

/// A street address: line, town, state or province, postal code.
pub(crate) fn address(
    dice: &mut Dice,
    region: Region,
) -> (String, &'static (&'static str, &'static str, &'static str)) {
    let number = dice.between(1, 9899);
    let street = *dice.pick(of(STREETS, region));
    let line = match region {
        Region::Us => format!("{number} {street}"),
        Region::Ca => format!("{number}, {street}"),
    };
    (line, dice.pick(of(TOWNS, region)))
}
