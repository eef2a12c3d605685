"""The inbox's page: a list of mails, and each one as its reader would see it, in a frame in both languages. No script,
nothing fetched from elsewhere."""

from html import escape

from local.inbox import Mail

STYLE = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6875; --line: #d9dfe5; --paper: #fff;
        --ground: #f3f5f7; --accent: #0b5cad }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b4; --line: #2d3843;
        --paper: #171d23; --ground: #0f1418; --accent: #7db8f5 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 94rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.35rem; margin: 0 0 .25rem } h2 { font-size: .95rem; margin: 0 0 .5rem; color: var(--soft) }
p { margin: 0 0 1rem; color: var(--soft) } a { color: var(--accent) }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: .6rem; overflow: hidden }
ol { list-style: none; margin: 0; padding: 0 } li + li { border-top: 1px solid var(--line) }
li a { display: grid; grid-template-columns: 8.5rem minmax(10rem, 18rem) 1fr; gap: 1rem; padding: .7rem 1rem;
       color: inherit; text-decoration: none } li a:hover, li a:focus-visible { background: var(--ground) }
li time { color: var(--soft); font-variant-numeric: tabular-nums } li strong { font-weight: 600 }
li span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0 }
dd { margin: 0 }
dt { color: var(--soft) } dd { overflow-wrap: anywhere }
.parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 44rem), 1fr)); gap: 1rem }
iframe { width: 100%; height: 44rem; border: 0; background: #fff; display: block }
pre { margin: 0; padding: 1rem; white-space: pre; overflow-x: auto;
      font: .9rem/1.55 ui-monospace, monospace }
@media (max-width: 40rem) { li a { grid-template-columns: 1fr; gap: 0 } li span { white-space: normal } }
"""


NO_SUBJECT = "(sans objet · no subject)"


def list_page(mails: list[Mail]) -> str:
    """All mails, the newest first. Reloads itself every five seconds."""
    rows = "".join(
        f'<li><a href="/mails/{mail.id}/page"><time datetime="{mail.received_at.isoformat()}">'
        f"{mail.received_at:%H:%M:%S} UTC</time><span>{escape(', '.join(mail.to))}</span>"
        f"<strong>{escape(mail.subject) or NO_SUBJECT}</strong></a></li>"
        for mail in reversed(mails)
    )
    nothing = _both("Aucun courriel pour l’instant.", "No mail yet.")
    content = f'<ol class="card">{rows}</ol>' if mails else f'<p class="card" style="padding:2rem">{nothing}</p>'
    one = len(mails) == 1
    previews = _both("Tous les courriels, avec des données fictives", "Every kind of mail with made-up data")
    intro = "<br>".join([
        f'<span lang="fr">Courriels envoyés par la plateforme sur cette machine\u00a0: {len(mails)}. '
        "Aucun ne l’a quittée.</span>",
        f'<span lang="en">{len(mails)} {"mail" if one else "mails"} sent by the platform on this machine. '
        "None has left it.</span>",
        f'<a href="/previews">{previews}</a>',
    ])  # fmt: skip
    title = _both("Boîte de réception", "Inbox")
    return _page(
        "Boîte de réception · Inbox",
        f"<h1>{title}</h1><p>{intro}</p>{content}",
        '<meta http-equiv="refresh" content="5">',
    )


def mail_page(mail: Mail) -> str:
    """One mail: its headers, and both of its parts side by side."""
    fields = {
        _both("À", "To"): ", ".join(mail.to),
        _both("De", "From"): str(mail.message["from"] or mail.sender),
        _both("Répondre à", "Reply to"): str(mail.message["reply-to"] or ""),
        _both("Langue", "Language"): str(mail.message["content-language"] or ""),
        _both("Reçu", "Received"): f"{mail.received_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in fields.items() if value)
    html = (
        # The empty sandbox: no script, no form, no navigation, whatever the mail contains.
        f"<section><h2>{_both('Comme un logiciel de courriel le montre', 'As a mail program shows it')}</h2>"
        f'<div class="card"><iframe sandbox="" title="Partie HTML · HTML part" '
        f'srcdoc="{escape(mail.body("html"))}"></iframe></div></section>'
        if mail.body("html")
        else ""
    )
    plain = escape(mail.body("plain"))
    heading = _both("Partie texte", "Text part")
    text = f'<section><h2>{heading}</h2><div class="card"><pre>{plain}</pre></div></section>'
    title = escape(mail.subject) or NO_SUBJECT
    back = _both("Boîte de réception", "Inbox")
    return _page(
        title,
        f'<p><a href="/">← {back}</a></p><h1>{title}</h1><dl>{rows}</dl><div class="parts">{html}{text}</div>',
    )


def _both(french: str, english: str) -> str:
    return f'<span lang="fr">{french}</span> · <span lang="en">{english}</span>'


def _page(title: str, content: str, head: str = "") -> str:
    return (
        '<!doctype html><html lang="fr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{head}<title>{title}</title><style>{STYLE}</style></head><body><main>{content}</main></body></html>"
    )
