"""What a process of the service authorizations is made of."""

from collections.abc import Mapping

from chassis.made import Digested, Locked, Made
from chassis.sealing import Vault
from chassis.service import Platform, Service
from chassis.settings import Settings
from contracts.agency.agency import CodeKind
from services.authorizations import figures
from services.authorizations.access import api as access_api
from services.authorizations.access import authzen, described
from services.authorizations.additions import api as additions_api
from services.authorizations.administrators import api as administrators_api
from services.authorizations.attachments import api as attachments_api
from services.authorizations.attachments import chores as attachment_chores
from services.authorizations.attestations import api as attestations_api
from services.authorizations.audit import api as audit_api
from services.authorizations.blocks import api as blocks_api
from services.authorizations.claims import chores as claim_chores
from services.authorizations.consumers import SUBSCRIPTIONS
from services.authorizations.contacts import api as contacts_api
from services.authorizations.corrections import api as corrections_api
from services.authorizations.credentials import chores as credential_chores
from services.authorizations.deciding import api as deciding_api
from services.authorizations.deciding import chores as request_chores
from services.authorizations.erasing import api as erasing_api
from services.authorizations.forms import api as forms_api
from services.authorizations.granting import api as granting_api
from services.authorizations.imports import api as imports_api
from services.authorizations.imports import running as imports
from services.authorizations.invitations import api as invitations_api
from services.authorizations.linking_codes import api as linking_codes_api
from services.authorizations.linking_codes import chores
from services.authorizations.lists import api as lists_api
from services.authorizations.mailing import chores as mail_chores
from services.authorizations.mandate_addresses import api as mandate_addresses_api
from services.authorizations.mandate_addresses import chores as address_chores
from services.authorizations.mandates import api as mandates_api
from services.authorizations.migration_reports import api as migration_reports_api
from services.authorizations.misuse import api as misuse_api
from services.authorizations.misuse import chores as misuse_chores
from services.authorizations.notices import api as notices_api
from services.authorizations.notices import chores as notice_chores
from services.authorizations.organizations import api as organizations_api
from services.authorizations.paper import api as paper_api
from services.authorizations.questionnaires import api as questionnaires_api
from services.authorizations.removals import api as removals_api
from services.authorizations.representations import api as representations_api
from services.authorizations.reviews import chores as review_chores
from services.authorizations.signatures import chores as signature_chores
from services.authorizations.signing import api as signing_api
from services.authorizations.tools import Tools

CODES_IN_USE: Mapping[CodeKind, str] = {
    "organization_kinds": "select distinct kind from organizations",
    "relation_types": "select type from relations union select asked ->> 'type' from requests where asked ? 'type'",
    "subjects": "select distinct subject from rights union"
    " select asked ->> 'subject' from requests where asked ? 'subject'",
    "attestations": "select distinct code from attestations",
    "campaigns": "select distinct campaign from linking_code_batches where campaign is not null",
    "managing_reasons": "select distinct reason from blocks where reason is not null",
    "linking_methods": "select distinct method from claims",
    "capacities": "select distinct capacity from claims",
    "questionnaires": "select distinct asked #>> '{questionnaire,id}' from requests"
    " where asked #>> '{questionnaire,id}' is not null",
    "misuse_reasons": "select distinct code from misuse_evidence where kind = 'report'",
    "decision_reasons": "select distinct decision_reason from requests where decision_reason is not null",
}

LOOKING_FOR_CODES = 300.0  # seconds for each kind: whole tables are read, perhaps of millions of rows


async def _tools(platform: Platform) -> Tools:
    """Raises FaultyFiles when the agency's folder lacks a code that stands in a row."""
    async with platform.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"set local statement_timeout = {LOOKING_FOR_CODES * 1000:.0f}")
        in_use = {
            kind: [row[0] for row in await connection.fetch(query, timeout=LOOKING_FOR_CODES)]
            for kind, query in CODES_IN_USE.items()
        }
    platform.agency.require_codes(in_use)
    return Tools(platform.agency, platform.origin.time_zone, platform.keyring, platform.sealer, Vault(platform.keyring))


service: Service[Tools] = Service(
    name="authorizations",
    description="Organizations, contacts, relations and rights; lists, forms and the access check.",
    settings=Settings,
    tools=_tools,
    routers=(
        organizations_api.routes,
        lists_api.routes,
        additions_api.routes,
        contacts_api.routes,
        corrections_api.routes,
        granting_api.routes,
        removals_api.routes,
        erasing_api.routes,
        blocks_api.routes,
        administrators_api.routes,
        invitations_api.routes,
        representations_api.routes,
        deciding_api.routes,
        signing_api.routes,
        paper_api.routes,
        mandates_api.routes,
        misuse_api.routes,
        mandate_addresses_api.routes,
        linking_codes_api.routes,
        imports_api.routes,
        migration_reports_api.routes,
        notices_api.routes,
        access_api.routes,
        described.routes,
        forms_api.routes,
        questionnaires_api.routes,
        attachments_api.routes,
        attestations_api.routes,
        audit_api.routes,
    ),
    subscriptions=SUBSCRIPTIONS,
    chores=lambda unit: [
        figures.telling(unit),
        chores.raising(unit),
        chores.forgetting(unit),
        imports.carrying_on(unit),
        imports.forgetting(unit),
        notice_chores.telling(unit),
        mail_chores.collecting(unit),
        attachment_chores.forgetting(unit),
        signature_chores.forgetting(unit),
        claim_chores.deciding(unit),
        address_chores.asking(unit),
        *request_chores.telling(unit),
        *review_chores.looking(unit),
        misuse_chores.forgetting(unit),
        credential_chores.forgetting(unit),
    ],
    apart=authzen.build,
    made=Made(
        locked=[
            Locked("attachments", ("attachment_id",), "content", portion=2),  # megabytes each
            Locked("person_keys", ("key_id",), "locked"),
            Locked("credentials", ("contact_id",), "own_addresses"),
        ],
        digested=[
            Digested("request_tokens join requests using (request_id)", "digest", made_at="submitted_at"),
            Digested(
                "refused_mailboxes join mandate_sides using (side_id) join requests using (request_id)",
                "mailbox",
                made_at="submitted_at",
            ),
            Digested("attachments", "digest", made_at="uploaded_at", alive="digest is not null"),
        ],
    ),
)
