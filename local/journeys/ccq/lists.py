"""Step 3: the three lists with the guide's columns, one contact opened, filters, search, a table."""

from local.journeys.ccq.stage import CLIENT, OTHER_CLIENT, Journey, truth
from local.journeys.portal import Someone


async def read_the_lists(journey: Journey, who: Someone) -> None:
    """Step 3: the three lists with the guide's columns, and one contact opened."""
    told, portal = journey.told, journey.portal
    told.step(
        "Étape 3 | Accéder à la liste des membres de mon organisation et valider les informations",
        "“Contacts”, “Relations” and “Autorisations” of the organization, as they are at this moment.",
    )
    base = f"/v1/organizations/{journey.firm_id}"
    contacts = await portal.call(who, "authorizations", "GET", f"{base}/contacts", expect=200)
    for row in contacts["items"]:
        phones = ", ".join(phone["number"] for phone in row["telephones"])
        told.shows(
            f"{row['family_name']} | {row['given_name']} | {row['email']} | {phones}"
            f" | {truth(row['active'], who.language)}"
        )
    relations = await portal.call(who, "authorizations", "GET", f"{base}/relations", expect=200)
    for row in relations["items"]:
        told.shows(
            f"{row['organization']['name']} | {row['type_name']} | {row['related_organization']['name']}"
            f" | {truth(row['active'], who.language)}"
        )
    rows = {"fr": "1–2 de 2", "en": "1–2 of 2"}[who.language]
    told.holds(relations["range"] == rows, f"the guide's “Rangées 1 - 2 de 2”: {relations['range']}")
    journey.client_id = next(
        row["organization"]["organization_id"] for row in relations["items"] if row["organization"]["name"] == CLIENT
    )
    rights = await portal.call(who, "authorizations", "GET", f"{base}/authorizations?limit=4", expect=200)
    for row in rights["items"]:
        told.shows(
            f"{row['subject_name']} | {row['level_name']} | {row['organization']['name']}"
            f" | {row['holder_organization']['name']} | {truth(row['active'], who.language)}"
        )
    told.holds(all(row["contact"] is None for row in rights["items"]), "the firm's own authorizations come first")
    path = f"{base}/authorizations?contact={who.profile}&active=true"
    own = await portal.call(who, "authorizations", "GET", path, expect=200)
    told.holds(
        own["items"] and all(row["contact"]["contact_id"] == who.profile for row in own["items"]),
        "the filter by contact shows that contact's authorizations only",
    )
    opened = await portal.call(who, "authorizations", "GET", f"/v1/contacts/{who.profile}", expect=200)
    told.shows(
        f"{opened['given_name']} {opened['family_name']}, {opened['client_number']}, {opened['email']}:"
        f" {', '.join(relation['function'] for relation in opened['relations'])}"
    )
    told.holds(opened["linked"], "one contact opened shows its fields, its relations and that an account is linked")
    await narrow(journey, who)


async def narrow(journey: Journey, who: Someone) -> None:
    """What the guide does by eye: by subject and client, by name however it is written, and as a table."""
    told, portal = journey.told, journey.portal
    path = f"/v1/organizations/{journey.firm_id}/authorizations"
    only = f"{path}?subject=workforce&organization={journey.client_id}&active=true"
    found = await portal.call(who, "authorizations", "GET", only, expect=200)
    rows = [(row["subject"], row["organization"]["name"], row["active"]) for row in found["items"]]
    told.holds(set(rows) == {("workforce", CLIENT, True)}, "filters by subject, client and activity meet in one list")
    search = f"/v1/organizations/{journey.firm_id}/relations/search"
    found = await portal.call(who, "authorizations", "POST", search, json={"text": "belanger PLOMBERIE"}, expect=200)
    names = [row["organization"]["name"] for row in found["items"]]
    told.holds(names == [OTHER_CLIENT], f"“belanger PLOMBERIE” finds {OTHER_CLIENT}")
    table = await portal.call(who, "authorizations", "GET", only, headers={"Accept": "text/csv"}, expect=200)
    told.shows(*table.removeprefix("\ufeff").splitlines()[:2])
    told.holds(len(table.splitlines()) == 1 + len(rows), "what is filtered can be taken along as a table (CSV)")
