"""The data sets: what the emulated account holds.

Five of them, each the same for the same name and seed:

  demo      a believable shop: four applications and the published example
  standard  demo, and one of everything that a reader of the API may meet
  nasty     standard, and names that look like ids, like paths, or like each other
  scale:N   the published example, and N runs over definitions of at most 1000 runs each
  account:APPLICATIONS,DEFINITIONS,DONE,RUNNING
            so many of each, in all, and nothing else: definitions spread over the applications, and runs over the
            definitions, as evenly as can be

Ids that scripts may name (all seven characters, as the service's are):

  339ohji   application test-application    bsxyd7k  its definition Example-Experiment-Definition, run 1
                                            54j1r29  environment, ur8hx2f profile (the API reference's own example)
  rwalwu7   application Test-Application (the same but for case), empty
  shop4x1   application storefront          addcrt1  definition add-to-cart-button: runs 1 and 2 DONE, 3 RUNNING
                                            chkout2  definition one-page-checkout: run 1 stopped by an alarm, run 2 DONE
                                            herob01  definition V1-hero-banner: archived, run 1 DONE
                                            prod7e2 and stag3e9 environments, flagp51 profile, themep2 freeform profile
  search8   application search-service      rankng3  definition semantic-ranking: run 1 RUNNING at 0 %, overrides only
                                            prod8s1 environment, flagp82 profile
  mobile6   application mobile-backend      onbrd44  definition V2-onboarding: run 1 DONE
                                            prod6m1 environment, flagp63 profile

  from standard on:
  app120x   application long-history        def120x  120 runs: 1..100 DONE, 117..119 a status that no model knows, the
                                                     other 17 RUNNING (120 among them)
                                            norun00  a definition that never ran
                                            archgn0  archived; its environment gone0ev and profile gone0pf are no more
                                            env120x environment, prf120x profile
  quirks1   application quirks              quirkd1  one run for each oddity, see _QUIRKS below
                                            env1qrk environment, prf1qrk profile

  from nasty on:
  nasty01   application "nasty one"         nasty02  application whose name is "nasty01"
                                            in nasty01: definition nastyd1 "plain", definition nastyd2 named "nastyd1",
                                            environments nastye1 "live" and nastye2 named "nastye1",
                                            profiles nastyp1 "flags" and nastyp2 named "nastyp1"
  many120   application with 120 definitions, md00001 to md00120, of 0 to 2 runs
  empty00   application with nothing in it
  wn00001.. one application for each of WEIRD_NAMES, with one definition wd00001.. of the same name, one run
  fill001.. applications enough to need several pages

  in scale:N:
  scale01   application scale               sc00001, sc00002, ... 1000 runs each (the last one the rest); environment
                                            scalee1, profile scalep1

  in account:…:
  ap00001.. applications account-1, …       de00001, de00002, ... in turn, the running ones the last of each one's runs;
                                            an application's environment and profile are en and pr with its number

Only data live here; how they are kept is store.py's, how they are served is service.py's business.
"""

import random
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial

from store import SNAPSHOT_MEMBERS, Run, RunTable, Store, select

ACCOUNT = "111122223333"
FEATURE_FLAGS = "AWS.AppConfig.FeatureFlags"
RUNS_PER_SCALE_DEFINITION = 1000
FILLER_APPLICATIONS = 30

#: Names of up to 64 characters that have to survive paths, queries, SQL and JSON.
WEIRD_NAMES = (
    "two words", " leading and trailing ", "a/b", "a%2Fb", "100%", "a+b", "a&b=c", "what?", "frag#ment", "back\\slash",
    "single'quote", 'double"quote', "semi;colon", "$name", "{\"Inline\":{}}", "tab\there", "käse", "日本語", "🛒 cart 🧪",
    "e\u0301 decomposed", "\u00e9 composed", "Case", "case", ".", "..", "...", "%", "%%", "_", "null", "NULL", "true",
    "1", "experimentruns", "n" * 64, "ü" * 64,
)


def _present(**members):
    """A document of those members that are not None: the service leaves out what is not set."""
    return {name: value for name, value in members.items() if value is not None}


def stamp(moment, digits=3):
    """ISO 8601 text with the given number of fraction digits (0, 3, 6 or 9), as the service mixes them."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{moment.microsecond:06d}789"[:digits]
    return f"{text}.{fraction}Z" if digits else f"{text}Z"


def utc(year, month, day, hour=0, minute=0, second=0, microsecond=0):
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=timezone.utc)


def treatment(key, weight, enabled=True, attributes=None, description=None):
    return _present(Key=key, Weight=weight, Description=description,
                    FlagValue=_present(Enabled=enabled, AttributeValues=attributes))


def event(kind, occurred, exposure=None, overrides=None, triggered_by="USER", description=None, deployment=None):
    return _present(
        Description=description or {
            "RUN_STARTED": "Experiment run started", "RUN_STOPPED": "Experiment run stopped",
            "EXPOSURE_UPDATED": "Exposure percentage updated", "OVERRIDES_UPDATED": "Treatment overrides updated",
        }.get(kind),
        AssociatedDeployment=deployment, EventType=kind, OccurredAt=occurred, TriggeredBy=triggered_by,
        ExposurePercentage=exposure, TreatmentOverrides=overrides)


def make_run(definition, number, started, *, exposures=((0.0, None),), overrides=None, ended=None, result=None,
             description=None, stopped_by="USER", status=None):
    """A run of a definition with the events that led to its state.

    `exposures` are (percentage, moment) steps; the first is the start's own and its moment is not read.
    `overrides` apply from the start.
    """
    inline = None if overrides is None else {"Inline": overrides}
    updated = started + timedelta(milliseconds=521)
    events = [event("RUN_STARTED", stamp(updated), exposures[0][0], inline)]
    for exposure, moment in exposures[1:]:
        updated = moment
        events.insert(0, event("EXPOSURE_UPDATED", stamp(moment), exposure))
    if ended is not None:
        updated = ended
        events.insert(0, event("RUN_STOPPED", stamp(ended), exposures[-1][0], triggered_by=stopped_by))
    document = _present(
        ApplicationId=definition["ApplicationId"], ExperimentDefinitionId=definition["Id"], Run=number,
        Description=description, Status=status or ("RUNNING" if ended is None else "DONE"),
        ExposurePercentage=exposures[-1][0], TreatmentOverrides=inline, Result=result,
        StartedAt=stamp(started, 6), UpdatedAt=stamp(updated), EndedAt=stamp(ended) if ended is not None else None,
        ExperimentDefinitionSnapshot=select(definition, SNAPSHOT_MEMBERS))
    return Run(document, events)


def _application(store, application, name, description=None):
    store.put_application(_present(Id=application, Name=name, Description=description))


def _environment(store, application, environment, name, state="ReadyForDeployment", description=None, monitors=None):
    store.put_environment(_present(ApplicationId=application, Id=environment, Name=name, Description=description,
                                   State=state, Monitors=monitors))


def _profile(store, application, profile, name, kind=FEATURE_FLAGS, location="hosted", **members):
    store.put_profile(_present(ApplicationId=application, Id=profile, Name=name, LocationUri=location, Type=kind,
                               **members))


def _definition(application, definition, name, *, environment, profile, control, treatments, created, updated=None,
                status="IDLE", flag="feature", rule='(eq $country "US")', **members):
    return _present(
        ApplicationId=application, Id=definition, Name=name, Status=status, ConfigurationProfileId=profile,
        EnvironmentId=environment, FlagKey=flag, AudienceRule=rule, Treatments=treatments, Control=control,
        CreatedAt=stamp(created), UpdatedAt=stamp(updated, 0) if updated else stamp(created), **members)


def _published_example(store):
    """The API reference's example, in the state after its StopExperimentRun."""
    _application(store, "339ohji", "test-application", "An application used for creating an example.")
    _application(store, "rwalwu7", "Test-Application")
    _environment(store, "339ohji", "54j1r29", "Example-Environment", state="READY_FOR_DEPLOYMENT")
    _profile(store, "339ohji", "ur8hx2f", "Example-Configuration-Profile", kind=None,
             location="ssm-parameter://Example-Parameter",
             RetrievalRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Example-App-Config-Role")
    definition = _definition(
        "339ohji", "bsxyd7k", "Example-Experiment-Definition", environment="54j1r29", profile="ur8hx2f",
        flag="my-feature-flag", control=treatment("c", 50.0, enabled=False), treatments=[treatment("t1", 50.0)],
        created=utc(2026, 6, 16, 17, 54, 55, 847000), updated=utc(2026, 6, 16, 17, 57, 36))
    store.put_definition(definition)
    run = make_run(
        definition, 1, utc(2026, 6, 16, 17, 57, 10, 46000), exposures=((50.0, None),),
        ended=utc(2026, 6, 16, 17, 57, 36, 83000),
        result={"ExecutiveSummary": "t1 wins with 16% lift in conversion",
                "ReasonsToLaunch": "Significant improvement in key metric"})
    run.document["StartedAt"] = "2026-06-16T17:57:10.046Z"
    store.put_run(run)


def _storefront(store):
    application = "shop4x1"
    _application(store, application, "storefront", "The web shop: catalogue, cart and checkout.")
    _environment(store, application, "prod7e2", "production", description="What customers see", monitors=[
        {"AlarmArn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:checkout-completion-rate",
         "AlarmRoleArn": f"arn:aws:iam::{ACCOUNT}:role/appconfig-alarms"}])
    _environment(store, application, "stag3e9", "staging", state="READY_FOR_DEPLOYMENT")
    _profile(store, application, "flagp51", "storefront-flags", Description="Feature flags of the shop",
             KmsKeyArn=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b2c3d-1111-2222-3333-444455556666",
             KmsKeyIdentifier="alias/storefront")
    _profile(store, application, "themep2", "themes", kind="AWS.Freeform",
             location="s3://storefront-config/themes.json",
             RetrievalRoleArn=f"arn:aws:iam::{ACCOUNT}:role/config-reader",
             Validators=[{"Type": "JSON_SCHEMA", "Content": "{\"type\":\"object\"}"}])

    def arm(label, color, size, colors, sizes, beta):
        return {"label": {"StringValue": label}, "color": {"StringValue": color}, "size": {"NumberValue": size},
                "beta": {"BooleanValue": beta}, "palette": {"StringArray": colors},
                "breakpoints": {"NumberArray": sizes}}

    add_to_cart = _definition(
        application, "addcrt1", "add-to-cart-button", environment="prod7e2", profile="flagp51", status="ACTIVE",
        flag="add-to-cart-button", rule='(and (eq $country "US") (gte $appVersion "3.2"))',
        Hypothesis="Increase add-to-cart rate by adding a button for each product displayed",
        AudienceDescription="Visitors from the United States with a current client",
        LaunchCriteria="Add-to-cart rate up by 5% or more, page load time and checkout completion rate unharmed",
        KmsKeyIdentifier=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b2c3d-1111-2222-3333-444455556666",
        control=treatment("c", 50.0, enabled=False, description="No button: the product page is one click away"),
        treatments=[
            treatment("t1", 25.0, description="A green button below the picture",
                      attributes=arm("Add to cart", "green", 1.0, ["green", "white"], [320.0, 768.0], False)),
            treatment("t2", 25.0, description="A large orange button on the picture",
                      attributes=arm("Buy now", "orange", 1.5, ["orange", "white", "black"], [320.0, 768.0, 1280.0],
                                     True)),
        ],
        created=utc(2026, 6, 30, 9, 12, 44, 165000), updated=utc(2026, 8, 3, 8, 0, 1))
    store.put_definition(add_to_cart)
    store.put_run(make_run(
        add_to_cart, 1, utc(2026, 7, 1, 8, 30, 0, 628542), description="Smoke test with the team's own accounts",
        exposures=((0.0, None), (1.0, utc(2026, 7, 1, 15, 0, 12, 250000))),
        overrides={"user-ana": "t1", "user-ben": "t2", "user-cho": "c"},
        ended=utc(2026, 7, 2, 17, 45, 3, 501000),
        result={"ExecutiveSummary": "Everything works; no conclusion intended",
                "ReasonsNotToLaunch": "Far too few visitors"}))
    second = make_run(
        add_to_cart, 2, utc(2026, 7, 6, 8, 0, 0, 118900), description="First full run",
        exposures=((5.0, None), (25.0, utc(2026, 7, 8, 9, 0, 0, 700000)), (50.0, utc(2026, 7, 13, 9, 0, 0, 43000))),
        ended=utc(2026, 7, 27, 9, 30, 15, 733000),
        result={"ExecutiveSummary": "t2 wins with 11% lift in add-to-cart rate",
                "ReasonsToLaunch": "Add-to-cart rate 8.9% against 8.0% for the control; page load time unchanged",
                "ReasonsNotToLaunch": "Checkout completion of t2 fell by 0.2%, within noise"})
    second.document["ExposurePercentage"] = 50.0
    store.put_run(second)
    third = make_run(
        add_to_cart, 3, utc(2026, 8, 3, 8, 0, 0, 902001), description="Confirmation, half of the audience",
        exposures=((10.0, None), (50.0, utc(2026, 8, 5, 8, 0, 0, 10000))), overrides={"user-ana": "t2"})
    changed = {"Inline": {"user-ana": "t2", "user-dee": "t1"}}
    third.events.insert(0, event("OVERRIDES_UPDATED", "2026-08-06T11:20:31.004Z", overrides=changed))
    third.document.update(TreatmentOverrides=changed, UpdatedAt="2026-08-06T11:20:31.004Z")
    store.put_run(third)

    checkout = _definition(
        application, "chkout2", "one-page-checkout", environment="prod7e2", profile="flagp51", flag="one-page-checkout",
        rule='(in $plan "free" "plus")', Hypothesis="Fewer steps raise the checkout completion rate",
        control=treatment("c", 50.0, enabled=False), treatments=[
            treatment("t1", 50.0, attributes={"steps": {"NumberValue": 1.0}, "guest": {"BooleanValue": True}})],
        created=utc(2026, 7, 2, 10, 0, 0, 7000), updated=utc(2026, 7, 30, 6, 12, 0))
    store.put_definition(checkout)
    store.put_run(make_run(
        checkout, 1, utc(2026, 7, 9, 7, 0, 0, 333000), exposures=((20.0, None),), stopped_by="CLOUDWATCH_ALARM",
        ended=utc(2026, 7, 9, 7, 41, 8, 90000)))
    store.put_run(make_run(
        checkout, 2, utc(2026, 7, 14, 7, 0, 0, 450), exposures=((20.0, None), (100.0, utc(2026, 7, 20, 7, 0, 0, 5000))),
        ended=utc(2026, 7, 30, 6, 12, 0, 0), result={"ExecutiveSummary": "No difference; keep three steps"}))

    banner = _definition(
        application, "herob01", "V1-hero-banner", environment="stag3e9", profile="flagp51", status="ARCHIVED",
        flag="hero-banner", control=treatment("c", 40.0), treatments=[treatment("t1", 50.0)],
        created=utc(2026, 6, 29, 16, 0, 0, 1000), updated=utc(2026, 7, 5, 12, 0, 0))
    store.put_definition(banner)
    store.put_run(make_run(banner, 1, utc(2026, 6, 29, 17, 0, 0, 5), exposures=((33.3, None),),
                           ended=utc(2026, 7, 1, 17, 0, 0, 990000)))


def _other_teams(store):
    _application(store, "search8", "search-service")
    _environment(store, "search8", "prod8s1", "production")
    _profile(store, "search8", "flagp82", "search-flags")
    ranking = _definition(
        "search8", "rankng3", "semantic-ranking", environment="prod8s1", profile="flagp82", status="ACTIVE",
        flag="semantic-ranking", rule="(ne $plan \"internal\")", Hypothesis="Better ranking raises click-through",
        control=treatment("c", 34.0, attributes={"model": {"StringValue": "bm25"}}),
        treatments=[
            treatment("t1", 33.0, attributes={"model": {"StringValue": "dense-small"}, "boost": {"NumberValue": 0.25}}),
            treatment("t2", 33.0, attributes={"model": {"StringValue": "dense-large"}, "boost": {"NumberValue": 0.5},
                                              "languages": {"StringArray": ["en", "de", "ja"]}})],
        created=utc(2026, 8, 1, 12, 0, 0, 60000), updated=utc(2026, 8, 10, 9, 0, 0))
    store.put_definition(ranking)
    store.put_run(make_run(ranking, 1, utc(2026, 8, 10, 9, 0, 0, 120034), overrides={"device-77": "t1"}))

    _application(store, "mobile6", "mobile-backend", "API of the phone apps")
    _environment(store, "mobile6", "prod6m1", "production", state="ReadyForDeployment")
    _profile(store, "mobile6", "flagp63", "mobile-flags")
    onboarding = _definition(
        "mobile6", "onbrd44", "V2-onboarding", environment="prod6m1", profile="flagp63", flag="onboarding",
        rule='(and (eq $system "ios") (gte $osVersion 17))', control=treatment("c", 50.0),
        treatments=[treatment("t1", 50.0, attributes={"screens": {"NumberArray": [1.0, 2.0, 5.0]}})],
        created=utc(2026, 7, 15, 6, 0, 0, 0), updated=utc(2026, 8, 1, 6, 30, 0))
    store.put_definition(onboarding)
    store.put_run(make_run(onboarding, 1, utc(2026, 7, 18, 6, 0, 0, 271828), exposures=((100.0, None),),
                           ended=utc(2026, 8, 1, 6, 30, 0, 14000),
                           result={"ExecutiveSummary": "t1 keeps 3% more users to day seven",
                                   "ReasonsToLaunch": "Retention"}))


def _long_history(store, rng):
    application = "app120x"
    _application(store, application, "long-history", "One definition with 120 runs")
    _environment(store, application, "env120x", "production")
    _profile(store, application, "prf120x", "flags")
    definition = _definition(
        application, "def120x", "weekly-price-test", environment="env120x", profile="prf120x", status="ACTIVE",
        flag="price-test", control=treatment("c", 50.0, attributes={"factor": {"NumberValue": 1.0}}),
        treatments=[treatment("t1", 50.0, attributes={"factor": {"NumberValue": 0.95}})],
        created=utc(2024, 1, 1), updated=utc(2026, 9, 1))
    store.put_definition(definition)
    for number in range(1, 121):
        started = utc(2024, 1, 1, 6) + timedelta(days=8 * (number - 1), microseconds=rng.randrange(10**6))
        done = number <= 100
        run = make_run(
            definition, number, started, exposures=((float(rng.randrange(0, 101)), None),),
            ended=started + timedelta(days=rng.randrange(1, 8), milliseconds=rng.randrange(1000)) if done else None,
            status="STOPPING" if 117 <= number <= 119 else None,
            description=f"week {number}" if number % 3 else None,
            overrides={f"user-{number}": "t1"} if number % 5 == 0 else None,
            result={"ExecutiveSummary": f"run {number}"} if done and number % 2 else None)
        run.document["StartedAt"] = stamp(started, (0, 3, 6, 9)[number % 4])
        store.put_run(run)
    store.put_definition(_definition(
        application, "norun00", "never-started", environment="env120x", profile="prf120x",
        control=treatment("c", 1.0), treatments=[treatment("t1", 1.0)], created=utc(2026, 7, 1)))
    orphan = _definition(
        application, "archgn0", "outlived-its-environment", environment="gone0ev", profile="gone0pf",
        status="ARCHIVED", control=treatment("c", 50.0), treatments=[treatment("t1", 50.0)],
        created=utc(2026, 7, 1), updated=utc(2026, 7, 9))
    store.put_definition(orphan)
    store.put_run(make_run(orphan, 1, utc(2026, 7, 2), exposures=((10.0, None),), ended=utc(2026, 7, 8)))


def _numbers(*values):
    return {f"n{index}": {"NumberValue": value} for index, value in enumerate(values)}


#: Run number of quirkd1 by oddity: what it is, and the change that makes an ordinary run into it.
_QUIRKS = (
    ("unknown attribute value", lambda run, arms: arms[1]["FlagValue"].update(
        AttributeValues={"ttl": {"DurationValue": {"Seconds": 90}}, "known": {"StringValue": "beside it"}})),
    ("unknown treatment overrides", lambda run, arms: run.update(
        TreatmentOverrides={"Stored": {"Location": "s3://bucket/overrides.csv"}})),
    ("empty strings", lambda run, arms: (
        run.update(Description="", Result={"ExecutiveSummary": "", "ReasonsToLaunch": ""}),
        run["ExperimentDefinitionSnapshot"].update(Hypothesis="", AudienceDescription="", LaunchCriteria=""),
        arms[1].update(Description=""), arms[1]["FlagValue"].update(AttributeValues={"empty": {"StringValue": ""}}))),
    ("no snapshot", lambda run, arms: run.pop("ExperimentDefinitionSnapshot")),
    ("treatment without a key", lambda run, arms: arms[1].pop("Key")),
    ("25 attributes", lambda run, arms: arms[1]["FlagValue"].update(
        AttributeValues={f"a{index:02d}": {"NumberValue": float(index)} for index in range(25)})),
    ("five treatments", lambda run, arms: run["ExperimentDefinitionSnapshot"].update(
        Treatments=[treatment(f"t{index}", 100 / 6) for index in range(1, 6)])),
    ("extreme numbers", lambda run, arms: arms[1]["FlagValue"].update(AttributeValues=_numbers(
        1e300, -1e300, 5e-324, -0.0, 0.1, 12345678901234567890, 9007199254740993, -9007199254740993, 1e21, 0, -1,
        1.7976931348623157e308))),
    ("extreme numbers in an array", lambda run, arms: arms[1]["FlagValue"].update(AttributeValues={
        "all": {"NumberArray": [1e300, -0.0, 0.1, 12345678901234567890, 9007199254740993]}})),
    ("empty arrays and maps", lambda run, arms: (
        run.update(TreatmentOverrides={"Inline": {}}, Result={}),
        arms[0]["FlagValue"].update(AttributeValues={}),
        arms[1]["FlagValue"].update(AttributeValues={"s": {"StringArray": []}, "n": {"NumberArray": []}}))),
    ("unicode", lambda run, arms: (
        run.update(Description="naïve ☕ 日本語 🧪\u200d🔬 \u202eright to left",
                   TreatmentOverrides={"Inline": {"käufer-🛒": "t1", "quote\"back\\slash\nline": "c"}}),
        arms[1]["FlagValue"].update(AttributeValues={
            "text": {"StringValue": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u0001\u007f\t\r\n\" \\ / {braces} , NULL"},
            "array": {"StringArray": ["", "a,b", "{x}", "\"q\"", "back\\slash", "NULL", "null", "日本", "🎉"]}}))),
    ("no treatments", lambda run, arms: run["ExperimentDefinitionSnapshot"].pop("Treatments")),
    ("no control", lambda run, arms: run["ExperimentDefinitionSnapshot"].pop("Control")),
    ("32 overrides", lambda run, arms: run.update(
        TreatmentOverrides={"Inline": {f"entity-{index:02d}": ("c", "t1")[index % 2] for index in range(32)}})),
    ("no attributes, no exposure, no times", lambda run, arms: [
        run.pop(member) for member in ("ExposurePercentage", "StartedAt", "UpdatedAt", "EndedAt")]),
    ("seconds", lambda run, arms: run.update(
        StartedAt="2026-08-01T00:00:00Z", UpdatedAt="2026-08-01T00:00:01Z", EndedAt="2026-08-01T00:00:01Z")),
    ("nanoseconds", lambda run, arms: run.update(
        StartedAt="2026-08-01T00:00:00.123456789Z", UpdatedAt="2026-08-01T00:00:01.999999999Z",
        EndedAt="2026-08-01T00:00:01.999999999Z")),
    ("unknown attribute value with the text of a known one", lambda run, arms: arms[1]["FlagValue"].update(
        AttributeValues={"a": {"stringvalue": "case matters"}, "b": {"JsonValue": [1, {"StringValue": "x"}, None]}})),
    ("members that no model knows", lambda run, arms: (
        run.update(Owner={"Team": "growth"}), arms[1].update(Tier=1),
        run["ExperimentDefinitionSnapshot"].update(Revision=7))),
    ("long texts", lambda run, arms: (
        run.update(Description="d" * 1024),
        run["ExperimentDefinitionSnapshot"].update(AudienceRule="(eq $country \"" + "x" * 16000 + "\")"))),
)


def _quirks(store):
    application = "quirks1"
    _application(store, application, "quirks", "")
    _environment(store, application, "env1qrk", "production", state="RolledBack", description="")
    _profile(store, application, "prf1qrk", "flags", Description="", Validators=[])

    def definition():
        """A fresh document each time, so that one run's oddity is not seen in another's snapshot."""
        return _definition(
            application, "quirkd1", "quirks", environment="env1qrk", profile="prf1qrk", status="IDLE",
            control=treatment("c", 50.0), treatments=[treatment("t1", 50.0)], created=utc(2026, 7, 31), Hypothesis="",
            updated=utc(2026, 8, 1))

    store.put_definition(definition())
    for number, (oddity, distort) in enumerate(_QUIRKS, start=1):
        started = utc(2026, 8, 1, number % 24, 0, 0, 100 + number)
        run = make_run(definition(), number, started, exposures=((12.5, None),), ended=started + timedelta(hours=1),
                       description=oddity)
        snapshot = run.document["ExperimentDefinitionSnapshot"]
        distort(run.document, [snapshot["Control"], *snapshot["Treatments"]])
        store.put_run(run)
    table = store.runs[application, "quirkd1"]
    table.get(2).events[0].update(TreatmentOverrides={"Stored": {"Location": "s3://bucket/overrides.csv"}})
    table.get(3).events[0].update(Description="")
    table.get(4).events.clear()
    table.get(5).events.insert(0, event(
        "RUN_PAUSED", "2026-08-01T06:00:00.123456789Z", triggered_by="SCHEDULER",
        description="of kinds that no model knows",
        deployment=f"arn:aws:appconfig:us-east-1:{ACCOUNT}:application/{application}/environment/env1qrk/deployment/7"))
    many = table.get(6)
    last = utc(2026, 8, 1, 6, 59)
    many.events[1:1] = [event("EXPOSURE_UPDATED", stamp(last - timedelta(seconds=step)), 12.5 - step / 10)
                        for step in range(70)]


def _simple_application(store, application, name, definitions, rng):
    """An application with one environment, one profile, and definitions given as (id, name, number of runs)."""
    suffix = application[-5:]
    environment, profile = f"e{suffix}9", f"p{suffix}9"
    _application(store, application, name)
    _environment(store, application, environment, "production")
    _profile(store, application, profile, "flags")
    for definition_id, definition_name, runs in definitions:
        created = utc(2026, 7, 1) + timedelta(milliseconds=rng.randrange(30 * 86400 * 1000))
        definition = _definition(
            application, definition_id, definition_name, environment=environment, profile=profile,
            control=treatment("c", 50.0), treatments=[treatment("t1", 50.0)], created=created)
        store.put_definition(definition)
        for number in range(1, runs + 1):
            started = created + timedelta(days=number)
            store.put_run(make_run(definition, number, started, exposures=((float(number), None),),
                                   ended=started + timedelta(hours=5)))


def _nasty(store, rng):
    _simple_application(store, "nasty01", "nasty one", [("nastyd1", "plain", 2), ("nastyd2", "nastyd1", 3)], rng)
    _environment(store, "nasty01", "nastye1", "live")
    _environment(store, "nasty01", "nastye2", "nastye1")
    _profile(store, "nasty01", "nastyp1", "flags two")
    _profile(store, "nasty01", "nastyp2", "nastyp1")
    store.definitions["nasty01"]["nastyd1"].update(EnvironmentId="nastye1", ConfigurationProfileId="nastyp1")
    store.definitions["nasty01"]["nastyd2"].update(EnvironmentId="nastye2", ConfigurationProfileId="nastyp2")
    _simple_application(store, "nasty02", "nasty01", [("nastyd3", "plain", 1), ("nastyd4", "nastyd2", 1)], rng)
    _simple_application(store, "many120", "many definitions",
                        [(f"md{index:05d}", f"definition {index}", index % 3) for index in range(1, 121)], rng)
    _application(store, "empty00", "nothing here", "")
    for index, name in enumerate(WEIRD_NAMES, start=1):
        _simple_application(store, f"wn{index:05d}", name, [(f"wd{index:05d}", name, 1)], rng)
    for index in range(1, FILLER_APPLICATIONS + 1):
        _application(store, f"fill{index:03d}", f"filler {index}")


def _arm(key, weight, size, color):
    return treatment(key, weight, attributes={"size": {"NumberValue": size}, "color": {"StringValue": color}})


def _generated_definition(application, definition, number, environment, profile, name):
    return _definition(
        application, definition, f"{name} {number}", environment=environment, profile=profile, status="ACTIVE",
        flag=f"flag-{number}", Hypothesis=f"Hypothesis {number}",
        control=_arm("c", 50.0, 1.0, "grey"),
        treatments=[_arm("t1", 25.0, 1.5, "green"), _arm("t2", 25.0, 2.0, "blue")],
        created=utc(2025, 1, 1) + timedelta(minutes=number))


def _generated_run(definition, done, seed, number):
    """A run that depends on its definition, its number and the seed only."""
    mark = (seed * 1000003 + int(definition["Id"][2:]) * 8191 + number * 131) % 86399
    started = utc(2025, 1, 1) + timedelta(hours=7 * number, microseconds=mark)
    return make_run(
        definition, number, started, exposures=((float(mark % 101), None),),
        ended=started + timedelta(hours=6, milliseconds=mark) if done else None,
        description=f"run {number}" if number % 4 else None,
        overrides={f"user-{mark}": "t1"} if number % 10 == 0 else None,
        result={"ExecutiveSummary": f"t1 at {mark % 13 - 6}%"} if done and number % 3 == 0 else None)


def _scale(store, total, seed):
    """Runs built when asked for."""
    application = "scale01"
    _application(store, application, "scale", f"{total} runs")
    _environment(store, application, "scalee1", "production")
    _profile(store, application, "scalep1", "flags")

    @lru_cache(maxsize=4 * RUNS_PER_SCALE_DEFINITION)
    def build_run(definition_id, count, number):
        return _generated_run(store.definitions[application][definition_id], number < count, seed, number)

    for index, first in enumerate(range(0, total, RUNS_PER_SCALE_DEFINITION), start=1):
        definition = _generated_definition(application, f"sc{index:05d}", index, "scalee1", "scalep1", "scale")
        count = min(RUNS_PER_SCALE_DEFINITION, total - first)
        store.put_definition(definition, RunTable(count, partial(build_run, definition["Id"], count)))


def _share(total, parts, index):
    """The index-th part of what is dealt out one by one."""
    return total // parts + (index < total % parts)


def _account(store, numbers, seed):
    """An account of so many applications, definitions, done runs and running ones, these built when asked for."""
    applications, definitions, done, running = numbers
    for number in range(1, applications + 1):
        _application(store, f"ap{number:05d}", f"account-{number}")
        _environment(store, f"ap{number:05d}", f"en{number:05d}", "production")
        _profile(store, f"ap{number:05d}", f"pr{number:05d}", "flags")
    for index in range(definitions):
        owner = f"{index % applications + 1:05d}"
        definition = _generated_definition(f"ap{owner}", f"de{index + 1:05d}", index + 1, f"en{owner}", f"pr{owner}",
                                           "experiment")
        ended = _share(done, definitions, index)
        count = ended + _share(running, definitions, index)

        def build_run(number, definition=definition, ended=ended):
            return _generated_run(definition, number <= ended, seed, number)

        store.put_definition(definition, RunTable(count, lru_cache(maxsize=None)(build_run)))


def build(name, seed=1):
    """The store of a data set's name; ValueError if there is no such data set."""
    store = Store()
    rng = random.Random(seed)
    kind, _, count = name.partition(":")
    if re.fullmatch("account:[1-9][0-9]*,[1-9][0-9]*,[0-9]+,[0-9]+", name):
        _account(store, [int(number) for number in count.split(",")], seed)
        return store
    _published_example(store)
    if kind == "scale" and count.isdigit() and int(count) > 0:
        _scale(store, int(count), seed)
        return store
    if name not in ("demo", "standard", "nasty"):
        raise ValueError(f"no data set {name!r}: there are demo, standard, nasty, scale:N and "
                         "account:N,N,N,N")
    _storefront(store)
    _other_teams(store)
    if name != "demo":
        _long_history(store, rng)
        _quirks(store)
    if name == "nasty":
        _nasty(store, rng)
    return store
