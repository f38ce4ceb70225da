import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from meshscope.feedback.people import People, hashed
from tests.console.boutique_nights import nights
from tests.console.conftest import PASSWORD, opened, served
from tests.console.desk_twin import boutique

out = Path("/tmp/console-shots")
out.mkdir(exist_ok=True)
desk = nights(boutique(Path("/tmp/console-build/model.json").read_bytes()))
p = Path(tempfile.mkdtemp()) / "people.toml"
p.write_text(
    "".join(
        f'[[people]]\nname="{n}"\nrole="{r}"\nowners={o}\npassword="{hashed(PASSWORD)}"\n'
        for n, r, o in (("vera", "viewer", []), ("ada", "approver", ["payments"]), ("root", "admin", []))
    )
)
ids = {}
for r in desk.ledger.heads("incident", open=True):
    ids.setdefault(r.entry.subject.split(":")[1].rsplit("-", 1)[0], r.entry.subject.split(":")[1])
pages = {
    "incidents": "/incidents",
    "waiting": f"/incidents/{ids['checkout']}",
    "mitigated": f"/incidents/{ids['ledger']}",
    "failed": f"/incidents/{ids['catalog']}",
    "burn": f"/incidents/{ids['payment']}",
    "security": f"/incidents/{ids['frontend']}",
    "services": "/services",
    "service": "/services/eu-1/shop/checkout",
    "actions": "/actions",
    "ledger": "/ledger",
    "record": "/ledger/90",
    "agent": "/agent",
    "all": "/incidents?state=all",
    "empty": "/incidents?q=zzz",
    "missing": "/nope",
}
want = sys.argv[1:]
with served(desk, People(p)) as site, sync_playwright() as pw:
    b = pw.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
    for dark in (False, True):
        for width in (1440, 390):
            tag = f"{'dark' if dark else 'light'}-{width}"
            with opened(b, site, width=width, dark=dark) as tab:
                tab.go("/sign-in")
                if not want or "signin" in want:
                    tab.page.screenshot(path=out / f"signin-{tag}.png")
                tab.sign_in("ada" if True else "root")
                for name, path in pages.items():
                    if want and name not in want and f"{name}-{tag}" not in want:
                        continue
                    tab.go(path)
                    tab.page.wait_for_timeout(150)
                    over = tab.page.evaluate("document.documentElement.scrollWidth-innerWidth")
                    if over > 0:
                        print("H-SCROLL", name, tag, over)
                    tab.page.screenshot(path=out / f"{name}-{tag}.png", full_page=True)
                print(tag, tab.complaints[:5])
    b.close()
