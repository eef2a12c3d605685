"""The form, filled in and signed by the professional, then by the delegate, who needs no account."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local.journeys.narrator import PromiseBroken
from local.journeys.playing import form, ticked
from local.journeys.portal import ONE_TIME_CODE, Someone, code_in, now
from local.journeys.ramq.stage import TO_THE_FORM, Journey

LINK = re.compile(r"https://\S+#([0-9a-f-]{36})\.([A-Za-z0-9_-]{20,})")
"""A page of the portal, with the mandate and the secret that only the browser sees."""

BILLING, STATEMENTS, OWN_FILE = "online_billing", "account_statements", "professional_file"
REGISTRATION = "patient_registration"
CLERK, CLINICAL, OFFICE = "billing_clerk", "clinical_staff", "administrative_staff"


def wanted(who: Someone, service: str, role: str, **more: Any) -> dict[str, Any]:
    """One mandate as the form sends it."""
    delegate = {
        "family_name": who.family_name, "given_name": who.given_name, "email": who.email, "language": who.language,
    }  # fmt: skip
    return {"delegate": delegate, "service": service, "role": role, "language": who.language, **more}


async def ask(journey: Journey, who: Someone, *mandates: dict[str, Any]) -> Any:
    """The list, sent with the answers that led to its form."""
    body = {"questionnaire": "delegate_access", "answers": TO_THE_FORM, "mandates": list(mandates)}
    return await journey.portal.call(who, "authorizations", "POST", "/v1/mandates", json=body, expect=201)


@dataclass(frozen=True)
class AskedList:
    """What was accepted of a list: the digest of its texts, and each mandate with whom it is for."""

    digest: str
    signed_by: Sequence[tuple[str, Someone]]


async def fill_in(journey: Journey, who: Someone, delegate: Someone, colleague: Someone) -> AskedList:
    """Four mandates in one list: two are accepted, two are refused, each with its reason."""
    told, portal = journey.told, journey.portal
    told.step(
        "Remplir votre partie du formulaire",
        f"{who.given_name} {who.family_name} mandates {delegate.given_name} {delegate.family_name} and "
        f"{colleague.given_name} {colleague.family_name}: a list of four.",
    )
    shown = await form(journey, who, "mandate")
    told.shows(shown["title"], shown["help"])
    elsewhere: dict[str, Any] = {"questionnaire": "delegate_access", "answers": {"who_asks": "staff"}}
    elsewhere["mandates"] = [wanted(delegate, BILLING, CLERK)]
    astray = await portal.call(who, "authorizations", "POST", "/v1/mandates", json=elsewhere, expect=422)
    told.shows(astray["detail"])
    made = await ask(
        journey, who, wanted(delegate, BILLING, CLERK), wanted(colleague, BILLING, OFFICE),
        wanted(delegate, BILLING, CLINICAL), wanted(delegate, OWN_FILE, CLERK),
    )  # fmt: skip
    accepted, second, ineligible, own = made["items"]
    told.shows(ineligible["problem"]["detail"], own["problem"]["detail"])
    told.holds(
        accepted["mandate_id"]
        and second["mandate_id"]
        and OWN_FILE not in own["problem"]["detail"]
        and ineligible["problem"]["code"] == "mandate_role_ineligible",
        "each of the list is accepted or refused on its own, with the reason",
    )
    told.shows(*accepted["text"].splitlines())
    told.holds(
        hashlib.sha256(accepted["text"].encode()).hexdigest() == accepted["digest"],
        "the text to sign is there, and its hash",
    )
    return AskedList(made["digest"], ((accepted["mandate_id"], delegate), (second["mandate_id"], colleague)))


async def refuse_profession(journey: Journey, who: Someone, delegate: Someone) -> None:
    """A service that another profession has is refused by its name, with those who have it."""
    told = journey.told
    told.step(
        "Mandater un membre de votre personnel qui a le droit d’accéder au service en ligne visé",
        f"{who.given_name} {who.family_name} asks for a service that only another profession has.",
    )
    made = await ask(journey, who, wanted(delegate, REGISTRATION, OFFICE))
    (refused,) = made["items"]
    told.shows(refused["problem"]["detail"])
    told.holds(
        refused["problem"]["code"] == "mandate_profession_ineligible", "a profession without the service is refused"
    )


async def sign_list(journey: Journey, who: Someone, asked: AskedList) -> list[str]:
    """One password signs each mandate of the list, once. Returns the delegates' tokens, each from its own mail."""
    told = journey.told
    told.step("Signer le formulaire", "The password is entered again: it counts for the list, once for each mandate.")
    proof = await password_again(journey, who, asked.digest)
    tokens = [await signed(journey, who, mandate_id, delegate, proof) for mandate_id, delegate in asked.signed_by]
    told.holds(len(set(tokens)) == len(tokens), "one password signs each of the list, and each person has a mail")
    return tokens


async def sign(journey: Journey, who: Someone, mandate_id: str, delegate: Someone) -> str:
    """The password entered again for one text, and what is attested. Returns the delegate's token, from the mail."""
    journey.told.step("Signer le formulaire", "The password is entered again: it counts for this text, once.")
    path = f"/v1/mandates/{mandate_id}"
    mandate = await journey.portal.call(who, "authorizations", "GET", path, expect=200)
    return await signed(journey, who, mandate_id, delegate, await password_again(journey, who, mandate["digest"]))


async def password_again(journey: Journey, who: Someone, digest: str) -> str:
    """What proves for two minutes that the person entered the password for what the digest stands for."""
    body = {"password": who.password, "purpose": "mandate_signature", "digest": digest}
    proof: str = (await journey.portal.call(who, "accounts", "POST", "/v1/proofs", json=body, expect=200))["proof"]
    return proof


async def signed(journey: Journey, who: Someone, mandate_id: str, delegate: Someone, proof: str) -> str:
    """The professional's signature; without what is to be attested it is none. Returns the delegate's token."""
    told, portal, path = journey.told, journey.portal, f"/v1/mandates/{mandate_id}"
    statements = await form(journey, who, "signature")
    told.shows(*(statement["text"] for statement in statements["attestations"]))
    signature = {"proof": proof, "attestations": ticked(statements)}
    lacking = signature | {"attestations": []}
    refused = await portal.call(who, "authorizations", "POST", f"{path}/signatures", json=lacking, expect=422)
    told.shows(refused["detail"])
    since = now()
    kept = await portal.call(who, "authorizations", "POST", f"{path}/signatures", json=signature, expect=201)
    told.holds(kept["state"] == "signing" and "delegate" in kept["waits_for"], "the delegate's signature is awaited")
    mail = await portal.mail(delegate.email, since, "the invitation to sign", mandate_id)
    return token_in(mail, mandate_id)


def token_in(mail: dict[str, Any], mandate_id: str) -> str:
    """The token of the mail's link."""
    found = LINK.search(mail["text"])
    if found is None or found[1] != mandate_id:
        raise PromiseBroken(f"no link to the mandate stands in the mail “{mail['subject']}”")
    return f"{found[1]}.{found[2]}"


async def mandate_again(journey: Journey, who: Someone, delegate: Someone) -> str:
    """A mandate of another professional for the same person, signed by both. Returns it."""
    journey.told.step(
        "En tout temps, vous pouvez mandater auprès de nous un membre de votre personnel",
        f"{who.given_name} {who.family_name} mandates the same person, who signs as before.",
    )
    made = await ask(journey, who, wanted(delegate, BILLING, CLERK))
    mandate_id: str = made["items"][0]["mandate_id"]
    await both_sign(journey, who, delegate, mandate_id)
    return mandate_id


async def both_sign(journey: Journey, who: Someone, delegate: Someone, mandate_id: str, *, anew: bool = False) -> None:
    """The professional, then the delegate by the mail's link, with nothing in the way. `anew`: a corrected text."""
    token = await sign(journey, who, mandate_id, delegate)
    await sign_by_the_link(journey, delegate, mandate_id, token, anew=anew)


async def sign_by_the_link(
    journey: Journey, delegate: Someone, mandate_id: str, token: str, *, anew: bool = False
) -> None:
    """The delegate's signature, with nothing in the way."""
    portal, path = journey.portal, f"/v1/mandates/{mandate_id}"
    page = await portal.call(delegate, "authorizations", "POST", f"{path}/page", json={"token": token}, expect=200)
    body = delegates_part(delegate, page, token)
    body["address_proof"] = await address_proof(journey, delegate, delegate.email, anew=anew)
    await portal.call(delegate, "authorizations", "POST", f"{path}/signatures", json=body, expect=201)


def delegates_part(who: Someone, page: Any, token: str) -> dict[str, Any]:
    """The User section as the page of the mail's link has it, and what is attested: all but the address."""
    return {
        "token": token,
        "digest": page["digest"],
        "person": {"family_name": who.family_name, "given_name": who.given_name},
        "attestations": ticked(page),
    }


async def address_proof(journey: Journey, who: Someone, email: str, *, anew: bool = False) -> str:
    """A code that comes to the address, typed where it was asked for: good for half an hour, once for each mandate."""
    portal = journey.portal
    if email in journey.proofs and not anew:
        return journey.proofs[email]
    since = now()
    body = {"email": email, "purpose": "mandate_address", "language": who.language}
    asked = await portal.call(who, "accounts", "POST", "/v1/address-proofs", json=body, expect=202)
    code = code_in(await portal.mail(email, since, "the code for the address", ONE_TIME_CODE), ONE_TIME_CODE)
    path = f"/v1/address-proofs/{asked['proof_id']}/completion"
    proof: str = (await portal.call(who, "accounts", "POST", path, json={"code": code}, expect=200))["proof"]
    journey.proofs[email] = proof
    return proof


async def countersign(journey: Journey, who: Someone, mandate_id: str, token: str) -> None:
    """The page of the mail's link, the User section, an address, and the second signature.

    Addresses that are no address of one's own are refused; one whose spelling tells nothing is taken.
    """
    told, portal, people = journey.told, journey.portal, journey.cast
    told.step(
        "a) Remplir la section Utilisateur, b) fournir une adresse de courriel, c) signer",
        f"{who.given_name} {who.family_name} opens the page of the mail's link, without an account.",
    )
    path = f"/v1/mandates/{mandate_id}"
    page = await portal.call(who, "authorizations", "POST", f"{path}/page", json={"token": token}, expect=200)
    told.shows(page["service_name"], *(statement["text"] for statement in page["attestations"]))
    body = delegates_part(who, page, token)
    name, domain = people.professional.email.split("@")
    for email, status, code, promise in (
        (people.professional.email, 403, "mandate_same_person", "the same person does not sign both sides"),
        (
            f"{name.title()}+{who.family_name.lower()}@{domain.upper()}", 403, "mandate_same_person",
            "another spelling of the professional's address is the same address",
        ),
        (people.other_professional.email, 422, "address_of_another", "the address of another person is refused"),
        (
            f"reception@{journey.shared_domain}", 422, "address_of_a_function",
            "a shared address is refused, and the mandate waits",
        ),
    ):  # fmt: skip
        body["address_proof"] = await address_proof(journey, who, email)
        refused = await portal.call(who, "authorizations", "POST", f"{path}/signatures", json=body, expect=status)
        told.shows(refused["detail"])
        told.holds(refused["code"] == code, promise)
    body["address_proof"] = await address_proof(journey, who, f"pavillon.b@{journey.shared_domain}")
    kept = await portal.call(who, "authorizations", "POST", f"{path}/signatures", json=body, expect=201)
    told.holds(kept["state"] == "submitted" and kept["waits_for"] == [], "signed by both: it waits for agents")
