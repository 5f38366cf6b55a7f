"""Country names people type into Salesforce, and the ISO 3166-1 alpha-2 codes Stripe wants.

Short English names as Salesforce's own country picklist spells them, with the spellings and native
names seen in free-text fields. `country` in codecs.py is the only reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = """
AD Andorra|AE United Arab Emirates|AF Afghanistan|AG Antigua and Barbuda|AI Anguilla|AL Albania|AM Armenia|AO Angola
AQ Antarctica|AR Argentina|AS American Samoa|AT Austria|AU Australia|AW Aruba|AX Aland Islands|AZ Azerbaijan
BA Bosnia and Herzegovina|BB Barbados|BD Bangladesh|BE Belgium|BF Burkina Faso|BG Bulgaria|BH Bahrain|BI Burundi
BJ Benin|BL Saint Barthélemy|BM Bermuda|BN Brunei Darussalam|BO Bolivia, Plurinational State of
BQ Bonaire, Sint Eustatius and Saba|BR Brazil|BS Bahamas|BT Bhutan|BV Bouvet Island|BW Botswana|BY Belarus|BZ Belize
CA Canada|CC Cocos (Keeling) Islands|CD Congo, the Democratic Republic of the|CF Central African Republic|CG Congo
CH Switzerland|CI Cote d'Ivoire|CK Cook Islands|CL Chile|CM Cameroon|CN China|CO Colombia|CR Costa Rica|CU Cuba
CV Cape Verde|CW Curaçao|CX Christmas Island|CY Cyprus|CZ Czechia|DE Germany|DJ Djibouti|DK Denmark|DM Dominica
DO Dominican Republic|DZ Algeria|EC Ecuador|EE Estonia|EG Egypt|EH Western Sahara|ER Eritrea|ES Spain|ET Ethiopia
FI Finland|FJ Fiji|FK Falkland Islands (Malvinas)|FM Micronesia, Federated States of|FO Faroe Islands|FR France
GA Gabon|GB United Kingdom|GD Grenada|GE Georgia|GF French Guiana|GG Guernsey|GH Ghana|GI Gibraltar|GL Greenland
GM Gambia|GN Guinea|GP Guadeloupe|GQ Equatorial Guinea|GR Greece|GS South Georgia and the South Sandwich Islands
GT Guatemala|GU Guam|GW Guinea-Bissau|GY Guyana|HK Hong Kong|HM Heard Island and McDonald Islands|HN Honduras
HR Croatia|HT Haiti|HU Hungary|ID Indonesia|IE Ireland|IL Israel|IM Isle of Man|IN India
IO British Indian Ocean Territory|IQ Iraq|IR Iran, Islamic Republic of|IS Iceland|IT Italy|JE Jersey|JM Jamaica
JO Jordan|JP Japan|KE Kenya|KG Kyrgyzstan|KH Cambodia|KI Kiribati|KM Comoros|KN Saint Kitts and Nevis
KP Korea, Democratic People's Republic of|KR Korea, Republic of|KW Kuwait|KY Cayman Islands|KZ Kazakhstan
LA Lao People's Democratic Republic|LB Lebanon|LC Saint Lucia|LI Liechtenstein|LK Sri Lanka|LR Liberia|LS Lesotho
LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco|MC Monaco|MD Moldova, Republic of|ME Montenegro
MF Saint Martin (French part)|MG Madagascar|MH Marshall Islands|MK North Macedonia|ML Mali|MM Myanmar|MN Mongolia
MO Macao|MP Northern Mariana Islands|MQ Martinique|MR Mauritania|MS Montserrat|MT Malta|MU Mauritius|MV Maldives
MW Malawi|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia|NC New Caledonia|NE Niger|NF Norfolk Island|NG Nigeria
NI Nicaragua|NL Netherlands|NO Norway|NP Nepal|NR Nauru|NU Niue|NZ New Zealand|OM Oman|PA Panama|PE Peru
PF French Polynesia|PG Papua New Guinea|PH Philippines|PK Pakistan|PL Poland|PM Saint Pierre and Miquelon
PN Pitcairn|PR Puerto Rico|PS Palestine|PT Portugal|PW Palau|PY Paraguay|QA Qatar|RE Reunion|RO Romania|RS Serbia
RU Russian Federation|RW Rwanda|SA Saudi Arabia|SB Solomon Islands|SC Seychelles|SD Sudan|SE Sweden|SG Singapore
SH Saint Helena, Ascension and Tristan da Cunha|SI Slovenia|SJ Svalbard and Jan Mayen|SK Slovakia|SL Sierra Leone
SM San Marino|SN Senegal|SO Somalia|SR Suriname|SS South Sudan|ST Sao Tome and Principe|SV El Salvador
SX Sint Maarten (Dutch part)|SY Syrian Arab Republic|SZ Eswatini|TC Turks and Caicos Islands|TD Chad
TF French Southern Territories|TG Togo|TH Thailand|TJ Tajikistan|TK Tokelau|TL Timor-Leste|TM Turkmenistan|TN Tunisia
TO Tonga|TR Türkiye|TT Trinidad and Tobago|TV Tuvalu|TW Taiwan|TZ Tanzania, United Republic of|UA Ukraine|UG Uganda
UM United States Minor Outlying Islands|US United States|UY Uruguay|UZ Uzbekistan
VA Holy See (Vatican City State)|VC Saint Vincent and the Grenadines|VE Venezuela, Bolivarian Republic of
VG Virgin Islands, British|VI Virgin Islands, U.S.|VN Vietnam|VU Vanuatu|WF Wallis and Futuna|WS Samoa|XK Kosovo
YE Yemen|YT Mayotte|ZA South Africa|ZM Zambia|ZW Zimbabwe
"""

_OTHER_SPELLINGS = """
US USA|US U.S.A.|US U.S.|US United States of America|US America|GB UK|GB U.K.|GB Great Britain|GB England|GB Scotland
GB Wales|GB Northern Ireland|DE Deutschland|AT Österreich|CH Schweiz|CH Suisse|CH Svizzera|FR France métropolitaine
IT Italia|ES España|PT Portugal continental|NL The Netherlands|NL Nederland|NL Holland|BE België|BE Belgique
DK Danmark|SE Sverige|NO Norge|FI Suomi|PL Polska|CZ Czech Republic|CZ Česko|GR Ελλάδα|TR Turkey|TR Turkiye
IE Republic of Ireland|BR Brasil|MX México|JP 日本|CN 中国|KR South Korea|KR Korea|KP North Korea|RU Russia|VN Viet Nam
TW Taiwan, Province of China|HK Hong Kong SAR|MO Macau|BO Bolivia|VE Venezuela|TZ Tanzania|IR Iran|SY Syria|LA Laos
MD Moldova|MK Macedonia|BN Brunei|CD DR Congo|CD Democratic Republic of the Congo|CG Republic of the Congo
CI Ivory Coast|CI Côte d'Ivoire|CV Cabo Verde|SZ Swaziland|TL East Timor|MM Burma|FM Micronesia|VA Vatican City
VA Holy See|AX Åland Islands|RE Réunion|CW Curacao|BL Saint Barthelemy|AE UAE|SX Sint Maarten|MF Saint Martin
FK Falkland Islands|PS Palestinian Territory, Occupied|PS State of Palestine|VG British Virgin Islands
VI US Virgin Islands
"""


def _pairs(text: str) -> list[tuple[str, str]]:
    entries = text.strip().replace("\n", "|").split("|")
    return [(entry[:2], entry[3:]) for entry in entries]


#: code -> the name written to a free-text country field
NAME_BY_CODE: Final[Mapping[str, str]] = dict(_pairs(_NAMES))

#: a name or code, case-folded -> code
CODE_BY_SPELLING: Final[Mapping[str, str]] = {
    **{code.casefold(): code for code in NAME_BY_CODE},
    **{name.casefold(): code for code, name in _pairs(_OTHER_SPELLINGS)},
    **{name.casefold(): code for code, name in NAME_BY_CODE.items()},
}
