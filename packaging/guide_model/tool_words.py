"""What invented tools are made of. No tool in training has a noun or parameter of the `HELD_OUT_` lists: they are there to evaluate."""

from __future__ import annotations

from .general_words import GENERAL
from .texts import words

# A family of verbs: what names of tools say, what descriptions say, how people begin.
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "get": (
        ("get", "fetch", "find", "lookup", "read", "query", "check", "show", "retrieve", "current"),
        ("Get the {}", "Get the current {}", "Look up the {}", "Returns the {}", "Find the {}", "Read the {}", "Tells the {}"),
        ("What is the {}", "Get the {}", "Show me the {}", "Tell me the {}", "What's the {}", "Find the {}", "I need the {}",
         "Look up the {}", "Check the {}", "Give me the {}", "Can you get the {}", "Do you know the {}", "{}",
         "I want to know the {}", "Please find the {}", "How is the {}", "Which is the {}"),
    ),
    "create": (
        ("create", "add", "make", "new", "insert", "register"),
        ("Create a {}", "Add a new {}", "Make a {}", "Creates a {}", "Add a {}"),
        ("Create a {}", "Add a {}", "Make a {}", "Please create a {}", "I need a new {}", "Add a new {}", "Can you add a {}"),
    ),
    "delete": (
        ("delete", "remove", "erase", "cancel", "drop"),
        ("Delete a {}", "Remove the {}", "Deletes the {}", "Remove a {}"),
        ("Delete the {}", "Remove the {}", "Please delete the {}", "Erase the {}", "Can you remove the {}", "Cancel the {}"),
    ),
    "set": (
        ("set", "update", "change", "adjust", "edit"),
        ("Set the {}", "Change the {}", "Updates the {}", "Adjust the {}"),
        ("Set the {}", "Change the {}", "Please set the {}", "Update the {}", "Adjust the {}", "Can you change the {}"),
    ),
    "send": (
        ("send", "post", "write", "submit"),
        ("Send a {}", "Sends a {}", "Post a {}", "Submit a {}"),
        ("Send a {}", "Please send a {}", "Write a {}", "I want to send a {}", "Post a {}", "Can you send a {}"),
    ),
    "start": (
        ("start", "play", "open", "run", "begin", "launch"),
        ("Start the {}", "Open the {}", "Plays the {}", "Run the {}"),
        ("Start the {}", "Open the {}", "Play the {}", "Please start the {}", "Run the {}", "Can you open the {}"),
    ),
    "stop": (
        ("stop", "close", "pause", "end", "disable"),
        ("Stop the {}", "Close the {}", "Stops the {}", "End the {}"),
        ("Stop the {}", "Close the {}", "Please stop the {}", "Pause the {}", "End the {}", "Can you stop the {}"),
    ),
    "book": (
        ("book", "reserve", "order", "buy", "request"),
        ("Book a {}", "Reserve a {}", "Order a {}", "Buys a {}"),
        ("Book a {}", "Order a {}", "I want to book a {}", "Please reserve a {}", "Buy a {}", "Can you order a {}"),
    ),
}  # fmt: skip

# Verbs that mean only themselves: the tool says what the request says.
OWN_VERBS = words(
    "heat lock unlock fold cut mix boil wash clean count measure sort merge split copy move rename share export import convert"
    " encode compress scan sign approve reject publish restore build deploy test debug install download upload draw paint record"
    " mute dim flip turn lift push pull shift load unload fill empty drain pump spray water plant pick collect gather carry"
    " deliver ship pack assign invite accept join leave follow block report flag rate vote solve plan arrange train teach explain"
    " describe name label mark highlight crop resize filter group compare validate verify encrypt charge refund transfer donate"
    " rent hire repair paste save load parse format render print ping connect attach detach mount stream listen translate spell"
    " cook bake freeze cool dry fly drive park steer track locate find guard wake calm feed walk"
)  # fmt: skip
HELD_OUT_VERBS = words(
    "polish brew dye engrave rinse stack trim tow seal wrap inspect rotate sharpen hide toast grind bless mow glue sew knit weigh"
    " chase dig"
)  # fmt: skip

TYPICAL_NOUNS = words(
    "weather time price news route email note reminder event song ticket recipe temperature distance score population rate stock"
    " flight hotel train bus taxi pizza invoice customer order account balance message contact address meeting calendar task file"
    " folder document page image video photo alarm timer light door lamp heating speaker volume channel station movie book film"
    " author user password profile group team player game match league map city country street hospital doctor patient pill"
    " parcel shipment package delivery warehouse product review rating discount coupon cart payment bill tax salary budget loan"
    " forecast humidity wind sunrise sunset moon star planet tide river mountain lake forest garden plant tree flower animal dog"
    " horse bird car bike engine tyre fuel battery sensor camera screen printer router server database table record row log ticket"
    " dictionary word definition synonym translation sentence language quote joke fact question answer quiz exam grade course lesson"
    " teacher student school library museum park beach restaurant menu dish wine beer coffee table seat room key lock"
    " oven washer robot drone rocket satellite ship harbour airport gate visa passport currency coin wallet bank share fund"
    " job company office floor lift elevator parking garage road bridge tunnel border law court judge vote election party"
)  # fmt: skip
MODIFIERS = words(
    "daily weekly monthly current average maximum minimum local public private next last first new total average room city air water"
    " sea snow street school office home garden kitchen car train flight hotel user customer order stock gold silver bus game"
)  # fmt: skip
PARAMETERS = words(
    "city location place name title id user country region code date day time subject topic query text message content item product"
    " category type color size brand model number amount count quantity limit days hours minutes level value age year month week"
    " price weight height width length speed temperature duration distance page line room floor seat street station target source"
    " person author artist genre language format unit currency symbol address email phone file path folder key label tag note"
)  # fmt: skip
NUMERIC_PARAMETERS = frozenset(words(
    "number amount count quantity limit days hours minutes level value age year price weight height width length speed temperature"
    " duration distance page line floor"
))  # fmt: skip
RESULT_KEYS = words(
    "temperature wind price status name total value unit time date city result count level score amount id state speed title"
    " condition rating distance owner color"
)  # fmt: skip

CHOICES = words(
    "celsius fahrenheit metric imperial small medium large low high red green blue fast slow on off asc desc json text day week"
    " month year open closed urgent normal public private male female north south east west cash card hot cold"
)  # fmt: skip

HELD_OUT_NOUNS = words(
    "pollen earthquake volcano glacier orchard vineyard bakery pharmacy dentist plumber ferry tram canal lighthouse telescope"
    " microscope helmet saddle tractor harvest fertilizer compost beehive aquarium terrarium thermostat dishwasher blender toaster"
    " carpet curtain mattress pillow scarf sweater wardrobe necklace bracelet perfume shampoo subscription newsletter podcast"
    " playlist soundtrack choir orchestra ballet sculpture mosaic archive manuscript poem chapter glossary syllabus scholarship"
    " tournament referee stadium marathon rowing avalanche lawsuit patent warranty mortgage pension insurance customs tariff"
)  # fmt: skip
HELD_OUT_PARAMETERS = words(
    "village district province owner keyword phrase serial capacity radius altitude priority deadline depth voltage nickname"
    " destination origin recipient material flavour"
)  # fmt: skip
NOUNS = (
    *TYPICAL_NOUNS,
    *(word for word in GENERAL if word not in {*TYPICAL_NOUNS, *HELD_OUT_NOUNS, *HELD_OUT_PARAMETERS}),
)


def family_words(family: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """As in FAMILIES; of a verb that is in no family: itself."""
    if family in FAMILIES:
        return FAMILIES[family]
    capital = family.capitalize()
    descriptions = (f"{capital} the {{}}", f"{capital} a {{}}", f"Used to {family} the {{}}")
    openings = (
        *(f"{capital} the {{}}", f"{capital} a {{}}", f"{family} the {{}}", f"Please {family} the {{}}"),
        *(f"Can you {family} the {{}}", f"I want to {family} the {{}}", f"Could you {family} a {{}}"),
    )
    return (family,), descriptions, openings
