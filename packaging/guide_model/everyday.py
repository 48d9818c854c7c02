"""The tools that people really offer first: weather, time, sums, e-mail, files. Their requests are said in other words
than the tools are described in, so they are written down here one by one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .texts import variants, words


@dataclass(frozen=True)
class Slot:
    """One parameter: its possible names, its type, what is said of it, and what kind of value it takes."""

    names: str
    kind: str
    descriptions: str = ""
    type: str = "string"
    choices: str = ""


@dataclass(frozen=True)
class Everyday:
    """A tool in several wordings. `requests` have {0}, {1}, … for the slots; a slot that one leaves out is optional."""

    noun: str
    near: str  # words of requests that this tool would be right for
    names: str
    descriptions: str
    slots: tuple[Slot, ...]
    requests: str
    family: str = "get"

    def pick(self, rng: random.Random) -> tuple[str, str]:
        """A name and a description."""
        description = rng.choice(variants(self.descriptions)) if rng.random() < 0.9 else ""
        return rng.choice(words(self.names)), description

    @property
    def always(self) -> int:
        """How many slots every request fills."""
        return min(request.count("{") for request in variants(self.requests))


CITY = Slot(
    "location city place town",
    "place",
    "The city and state, e.g. San Francisco, CA|City and country e.g. Bogotá, Colombia|The name of the city|The location|City name",
)
UNIT = Slot("unit units", "choice", choices="celsius fahrenheit")

TOOLS: tuple[Everyday, ...] = (
    Everyday(
        "weather", "temperature rain umbrella warm cold forecast",
        "get_weather get_current_weather weather fetch_weather check_weather getWeather get_forecast current_weather",
        "Get the current weather in a given location.|Get current temperature for a given location.|Get the weather for a city"
        "|Returns the weather|Weather of a place|Get the current weather",
        (CITY, UNIT),
        "What is the weather in {0}?|What's the weather like in {0} today?|How is the weather in {0}?|weather {0}|weather in {0}"
        "|Is it raining in {0}?|Will it rain in {0} tomorrow?|how warm is it in {0}?|Tell me the temperature in {0}.|Is it cold in {0}?"
        "|Do I need an umbrella in {0}?|What is the weather like in {0}?|What is the temperature in {0} in {1}?|weather in {0} in {1}"
        "|How's the weather in {0} right now?|What is the weather in {0} today",
    ),
    Everyday(
        "time", "clock late",
        "get_time get_current_time current_time time_now what_time getTime",
        "Get the current time in a city.|Tells the time|Current time of a time zone|Get the time in a given timezone.",
        (Slot("timezone city location zone", "place", "The timezone|The city|IANA timezone name"),),
        "What time is it in {0}?|Tell me the time in {0}.|time in {0}|What's the time in {0}?|How late is it in {0}?|current time in {0}",
    ),
    Everyday(
        "search", "web look google page pages",
        "search web_search search_web google internet_search searchWeb",
        "Search the web.|Search the internet for a query|Web search|Finds pages",
        (Slot("query q search_term text", "words", "The search query|What to look for|Query"),),
        "Search for {0}|Search the web for {0}.|Look up {0} on the web.|Find pages about {0}|google {0}|Please search {0}|web search {0}"
        "|What does the internet say about {0}?|Look for {0} online.",
    ),
    Everyday(
        "sum", "plus add calculate together",
        "add sum add_numbers calculate_sum addNumbers add_two_numbers",
        "Add two numbers.|Adds a and b|Returns the sum of two numbers|Sum",
        (Slot("a x first num1", "integer", "First number", "integer"), Slot("b y second num2", "integer", "Second number", "integer")),
        "What is {0} + {1}?|Add {0} and {1}|{0} plus {1}|Calculate {0} + {1}|What is {0} plus {1}?|{0}+{1}|sum of {0} and {1}"
        "|How much is {0} and {1}?",
    ),
    Everyday(
        "product", "times multiply multiplied calculate",
        "multiply product multiply_numbers times calculate_product",
        "Multiply two numbers.|Multiplies a and b|Returns the product",
        (Slot("a x first factor", "integer", "First number", "integer"), Slot("b y second factor2", "integer", "Second number", "integer")),
        "What is {0} * {1}?|Multiply {0} by {1}|{0} times {1}|Calculate {0} * {1}|What is {0} times {1}?|{0}*{1}|product of {0} and {1}",
    ),
    Everyday(
        "email", "mail message write",
        "send_email email send_mail sendEmail compose_email",
        "Send an email.|Sends an email to a person|Write and send an email",
        (Slot("to recipient address email", "person", "Who gets it|Recipient"), Slot("subject text body message", "words", "Subject line|The text")),
        "Send an email to {0} with the subject {1}|Email {0}: {1}|Write an email to {0} that says {1}|Mail {0} about {1}"
        "|Please send {0} an email saying {1}|Send {0} a mail: {1}",
        "send",
    ),
    Everyday(
        "alarm", "wake clock",
        "set_alarm create_alarm alarm add_alarm setAlarm",
        "Set an alarm.|Sets an alarm at a time|Alarm clock",
        (Slot("time at when", "time", "When|Time of day"),),
        "Wake me at {0}|Set an alarm for {0}|Wake me up at {0}.|alarm at {0}|I have to get up at {0}|Please set an alarm at {0}",
        "set",
    ),
    Everyday(
        "timer", "countdown minutes",
        "set_timer start_timer timer create_timer startTimer",
        "Start a timer.|Sets a timer|Timer for some minutes",
        (Slot("minutes duration_minutes length duration", "integer", "How many minutes", "integer"),),
        "Set a timer for {0} minutes|Start a timer of {0} minutes.|timer {0} minutes|{0} minute timer please|Count down {0} minutes",
        "start",
    ),
    Everyday(
        "light", "lights lamp dark bright",
        "turn_on_light light_on switch_light turn_on_lights lights_on turnOnLight",
        "Turn on the light in a room.|Switches the light on|Light switch",
        (Slot("room where place", "thing", "Which room|The room"),),
        "Turn on the light in the {0}|Switch on the {0} light|It is dark in the {0}|light in the {0} please|Lights on in the {0}"
        "|Make it bright in the {0}",
        "start",
    ),
    Everyday(
        "song", "music play listen hear",
        "play_song play_music play playSong start_music",
        "Play a song.|Plays music|Play a song by its title",
        (Slot("title song name track", "words", "Title of the song|What to play"),),
        "Play {0}|Play the song {0}.|I want to hear {0}|Put on {0}|Let me listen to {0}|play some {0}",
        "start",
    ),
    Everyday(
        "translation", "translate say mean",
        "translate translate_text translator translateText",
        "Translate text into another language.|Translates text|Translation of a text",
        (Slot("text phrase sentence", "words", "What to translate|The text"), Slot("language target_language to", "language", "Target language|Language")),
        "Translate {0} into {1}|Translate {0} to {1}.|How do you say {0} in {1}?|What is {0} in {1}?|{0} in {1} please|Say {0} in {1}",
        "create",
    ),
    Everyday(
        "stock price", "share shares ticker worth",
        "get_stock_price stock_price get_quote stock getStockPrice lookup_stock",
        "Get the price of a stock.|Current stock price of a company|Stock quote by symbol",
        (Slot("symbol ticker company", "code", "Ticker symbol|The symbol, e.g. AAPL"),),
        "What is the stock price of {0}?|How much is a share of {0}?|price of {0} shares|What is {0} trading at?|stock {0}"
        "|What are {0} shares worth?",
    ),
    Everyday(
        "file", "read open show content directory",
        "read_file open_file readFile cat get_file_contents",
        "Read a file.|Returns the content of a file|Read a file from disk",
        (Slot("path file filename file_path", "path", "Path of the file|The file"),),
        "Read {0}|Show me {0}|Open the file {0}|What does {0} say?|What is in {0}?|Read the file {0} please|cat {0}",
        "get",
    ),
    Everyday(
        "command", "run shell execute terminal",
        "run_command shell bash execute run_shell runCommand terminal",
        "Run a shell command.|Execute a command in the terminal|Runs a command",
        (Slot("command cmd line", "command", "The command|Command line"),),
        "Run {0}|Execute {0}|Run the command {0}|Please run {0} for me|Type {0} in the terminal|run {0} in the shell",
        "start",
    ),
    Everyday(
        "news", "headlines newest happened",
        "get_news news latest_news fetch_headlines getNews",
        "Get the news.|Latest news on a topic|Headlines about a topic",
        (Slot("topic subject query about", "words", "The topic|About what"),),
        "What is new about {0}?|news on {0}|Show me the latest news about {0}|Any news about {0}?|What happened with {0}?|headlines about {0}",
    ),
    Everyday(
        "route", "way directions drive far",
        "get_directions route get_route directions navigate",
        "Get directions between two places.|The way from one place to another|Finds a route",
        (Slot("origin start from_place from", "place", "Where it begins|Start"), Slot("destination to end target", "place", "Where it ends|Goal")),
        "How do I get from {0} to {1}?|Directions from {0} to {1}|route {0} to {1}|Show me the way from {0} to {1}|I drive from {0} to {1}"
        "|How far is it from {0} to {1}?",
    ),
    Everyday(
        "note", "write remember save",
        "save_note add_note create_note note write_note addNote",
        "Save a note.|Writes a note down|Add a note",
        (Slot("text note content", "words", "What to write|The text"),),
        "Note: {0}|Write down {0}|Save a note: {0}|Make a note that says {0}|note down {0}|Keep a note of {0}",
        "create",
    ),
)  # fmt: skip

LANGUAGES = words("French German Spanish Italian Chinese Japanese Dutch Polish Turkish Latin English")
COMMANDS = variants(
    "ls -l|git status|pwd|df -h|make test|npm start|whoami|uptime|cat notes.txt|docker ps|python main.py|ls"
)
ROOMS = words("kitchen bedroom bathroom hall office cellar garage garden attic nursery studio")
