"""Which texts may end what an earlier one said, by their words alone, in four languages."""

from __future__ import annotations

import pytest

from iai_memory.recall.slots import may_end

ENDS = [
    line.split(" | ")
    for line in """
Peter wohnt in Köln. | Peter ist nach Mainz gezogen.
Anja wohnt in Bonn. | Anja ist letzte Woche nach Ulm umgezogen.
Anja arbeitet bei Bosch. | Anja arbeitet jetzt bei Siemens.
Anja arbeitet bei Bosch. | Anja hat zu Siemens gewechselt.
Das Standup beginnt um 9 Uhr. | Das Standup beginnt um 10 Uhr.
Wir deployen freitags. | Wir deployen freitags nicht mehr.
Die Miete beträgt 900 Euro. | Die Miete beträgt jetzt 950 Euro.
Marta vive en Lugo. | Marta se mudó a Cádiz.
La reunión empieza a las 9. | La reunión empieza a las 10.
Usamos MySQL en Lumen. | Ahora usamos Postgres en Lumen.
Desplegamos los viernes. | Ya no desplegamos los viernes.
Luc habite à Nantes. | Luc a déménagé à Brest.
La réunion commence à 9 heures. | La réunion commence à 10 heures.
Nous déployons le vendredi. | Nous ne déployons plus le vendredi.
Le port du serveur est 8000. | Le port du serveur est maintenant 9000.
Ravi drives a Skoda to work. | Ravi traded the Skoda for a Tesla.
Wendy lives in Hull. | Wendy relocated to Leeds.
The Atlas API returns XML. | The Atlas API returns JSON since v3.
My dentist is Dr Hall. | My new dentist is Dr Wong.
The wifi password is hunter2. | The wifi password is swordfish9.
Uwe weighs 80 kg. | Uwe weighs 84 kg.
Our VPN endpoint is vpn1.example.org. | Our VPN endpoint is vpn2.example.org.
The nightly job starts at 01:00. | The nightly job has been moved to 03:30.
Bea is our accountant. | Cyril replaced Bea as our accountant.
Mila goes to Oakwood school. | Mila switched to Riverside school.
I take the 8:10 train. | I take the 8:40 train now.
Alle Rechnungen gehen an Frau Wolf. | Alle Rechnungen gehen jetzt an Herrn Adler.
Das Passwort für das WLAN ist sonne22. | Das Passwort für das WLAN ist mond33.
El despliegue se hace los lunes. | El despliegue ya no se hace los lunes, sino los jueves.
Le chef de projet est Paul. | Le chef de projet est maintenant Marie.
We allow force pushes to main. | We no longer allow force pushes to main.
The subscription costs 12 euros a month. | The subscription costs 15 euros a month.
My sister lives in Rome. | My sister has moved to Milan.
""".strip().splitlines()
]
BOTH_HOLD = [
    line.split(" | ")
    for line in """
Priya rides a Yamaha. | Tim says Priya rides a Vespa.
Priya rides a Yamaha. | I heard Priya rides a Vespa.
Priya rides a Yamaha. | Tim told me Priya rides a Vespa now.
Priya rides a Yamaha. | According to Tim, Priya rides a Vespa now.
Priya rides a Yamaha. | Tim thinks Priya rides a Vespa now.
Priya rides a Yamaha. | Priya rides a Vespa, says Tim.
Priya fährt eine Yamaha. | Tim sagt, Priya fährt jetzt eine Vespa.
Priya fährt eine Yamaha. | Priya fährt laut Tim jetzt eine Vespa.
Priya fährt eine Yamaha. | Angeblich fährt Priya jetzt eine Vespa.
Priya fährt eine Yamaha. | Priya soll jetzt eine Vespa fahren.
Priya conduce una Yamaha. | Tim dice que Priya conduce ahora una Vespa.
Priya conduce una Yamaha. | Según Tim, Priya conduce ahora una Vespa.
Priya conduit une Yamaha. | Tim dit que Priya conduit maintenant une Vespa.
Priya conduit une Yamaha. | D'après Tim, Priya conduit maintenant une Vespa.
Priya conduit une Yamaha. | Il paraît que Priya conduit maintenant une Vespa.
Lena's sister is called Mia. | Lena's brother is called Tom.
Omar eats fish. | Omar eats cheese.
Omar takes ibuprofen. | Omar takes vitamin D.
The build needs Node 20. | The build needs Python 3.12.
The script supports Linux. | The script supports macOS.
We use Redis for caching. | We use Postgres for storage.
We use Redis for caching. | We use Postgres for storage.
Nina works at Bosch. | Nina works on the brake controller.
Nina lives in Ulm. | Nina lives with her sister.
Nina lives in Ulm. | Nina lives on the third floor.
Karl's birthday is on 3 May. | Karl's wedding is on 9 June.
The report is due on Friday. | The report is about churn.
The Falcon client is written in Rust. | The Falcon server is written in Go.
My mother lives in Bari. | My father lives in Turin.
The front door code is 4471. | The garage code is 9982.
Note 1524: the basket is of the invoice team. | Note 2422: the violin is of the train team.
Ticket 88 is assigned to Lea. | Ticket 91 is assigned to Max.
Elsa's flight to Rome is on 4 June. | Elsa's flight to Paris is on 9 July.
Omar's car is a Skoda. | Omar's car is blue.
Omar's car is blue. | Omar's car is at the garage.
Breakfast is at eight. | Dinner is at seven.
Hugo owns a bakery. | Hugo owns a boat.
Hugo collects stamps. | Hugo collects coins.
Hugo teaches maths. | Hugo teaches physics.
The API accepts JSON. | The API accepts CSV.
Hugo is afraid of spiders. | Hugo is afraid of heights.
Hugo is good at chess. | Hugo is good at cooking.
Kim is a member of the choir. | Kim is a member of the fire brigade.
The tests run on Linux. | The tests run on Windows.
Pia invited Ann to the party. | Pia invited Bob to the party.
Hugo is a vegetarian. | Hugo is a doctor.
Hugo is tall. | Hugo is left-handed.
The cluster has a node called ash. | The cluster has a node called birch.
Dana's first language is Farsi. | Dana's second language is Dutch.
Lena hat eine Schwester namens Mia. | Lena hat einen Bruder namens Tom.
Omar ist allergisch gegen Nüsse. | Omar ist allergisch gegen Krabben.
Omar trinkt morgens Kaffee. | Omar trinkt abends Tee.
Die API braucht ein Token. | Die API liefert JSON.
Nina arbeitet bei Bosch. | Nina arbeitet freitags von zu Hause.
Das Backup läuft um zwei Uhr. | Das Backup liegt auf S3.
Nina wohnt in Ulm. | Nina hat früher in Bonn gewohnt.
Die Testumgebung läuft auf Port 8000. | Die Produktion läuft auf Port 9000.
Nina sammelt Briefmarken. | Nina sammelt Münzen.
Omar es alérgico a las nueces. | Omar es alérgico al marisco.
Elsa toma café por la mañana. | Elsa toma té por la noche.
La hermana de Lena se llama Mia. | El hermano de Lena se llama Tom.
Nina trabaja en Bosch. | Nina trabaja desde casa los viernes.
Noor toca el violín. | Noor toca el piano.
El servidor usa Redis. | El servidor está en Frankfurt.
Omar est allergique aux noix. | Omar est allergique aux crevettes.
Elsa boit du café le matin. | Elsa boit du thé le soir.
La sœur de Lena s'appelle Mia. | Le frère de Lena s'appelle Tom.
Nina travaille chez Bosch. | Nina travaille à la maison le vendredi.
Noor joue du violon. | Noor joue aux échecs.
Luc parle italien. | Luc parle grec.
La sauvegarde tourne à deux heures. | La sauvegarde va sur S3.
Bastian runs curlew. | Cosmo asked why curlew is so loud.
Bastian asked what curlew is for. | Cosmo asked why curlew is so loud.
Bea is our accountant. | Someone mentioned that Cyril is our accountant.
Mila goes to Oakwood school. | Rumour has it that Mila goes to Riverside school.
Mila geht auf die Waldschule. | Oma meint, Mila geht jetzt auf die Seeschule.
Mila va al colegio Sol. | Me han contado que Mila va ahora al colegio Luna.
Mila va à l'école du Lac. | Selon Paul, Mila va maintenant à l'école du Parc.
Mila goes to Oakwood school. | Paul: "Mila goes to Riverside school now."
The Lyra service logs to stdout. | The Lyra service logs errors to Sentry.
Ed has asthma. | Ed has a peanut allergy.
Ed takes metformin in the morning. | Ed takes aspirin at night.
Tara coaches the under-12 team. | Tara plays for the first team.
The kitchen light is a Hue bulb. | The hall light is a Tradfri bulb.
Invoice 17 is paid. | Invoice 18 is open.
Room 4 has a projector. | Room 5 has a whiteboard.
Eva's laptop runs Fedora. | Eva's desktop runs Arch.
Finn is married to Ole. | Finn is friends with Max.
We meet on Mondays at ten. | We also meet on Thursdays now.
Die Vorderreifen sind von Michelin. | Die Hinterreifen sind von Pirelli.
El hijo de Rosa estudia derecho. | La hija de Rosa estudia medicina.
Rosa cocina paella los domingos. | Rosa cocina lentejas los martes.
Le bureau d'Anne est au premier étage. | Le bureau de Luc est au troisième étage.
Anne enseigne le piano. | Anne enseigne le chant.
Kai's mother is a nurse. | Kai is a teacher now.
Our house has solar panels. | Our house has a heat pump now.
Lars bought a tent in May. | Lars bought a canoe in June.
The backup disk is a Seagate. | The backup disk is encrypted.
The release branch is frozen. | The release branch is called harvest.
""".strip().splitlines()
]


@pytest.mark.parametrize(("first", "later"), ENDS)
def test_what_tells_another_value_of_the_same_may_end_the_earlier_one(
    first: str, later: str
) -> None:
    assert may_end(later, first)


@pytest.mark.parametrize(("first", "later"), BOTH_HOLD)
def test_what_holds_beside_the_earlier_one_or_is_hearsay_ends_nothing(
    first: str, later: str
) -> None:
    assert not may_end(later, first)


@pytest.mark.parametrize("first", ["", "!!", "\U0001f44d", "The", "the the", "Kai's", "a has", "1"])
@pytest.mark.parametrize("later", ["", "??", "\U0001f389", "the", "The", "Kai", "has a", "2"])
def test_any_two_texts_can_be_compared(first: str, later: str) -> None:
    assert may_end(later, first) in (True, False)
