"""The words from which text_corpus.py generates sentences: what people want music for, and how songs are described."""

MOODS = """happy sad joyful melancholic calm peaceful angry aggressive romantic tender nostalgic dreamy hopeful lonely anxious tense
dark gloomy bright cheerful playful energetic excited euphoric relaxed lazy sleepy mysterious eerie scary epic triumphant proud bitter
heartbroken sensual sexy confident rebellious restless warm cold bittersweet wistful serene meditative festive uplifting intense
chaotic hypnotic sentimental carefree somber tragic spiritual tranquil moody brooding groovy funky chill mellow upbeat sunny
powerful fierce gentle soothing silly quirky ecstatic solemn desperate longing grateful inspired bored tired""".split()

GENRES = """pop|rock|hard rock|classic rock|indie rock|alternative rock|punk|pop punk|metal|heavy metal|death metal|grunge|folk|indie folk|country
bluegrass|blues|jazz|smooth jazz|bebop|swing|soul|neo soul|funk|disco|r&b|contemporary r&b|new jack swing|hip hop|rap|gangster rap|trap
southern hip hop|lo-fi hip hop|boom bap|drill|reggae|dub|ska|dancehall|reggaeton|latin pop|salsa|bachata|cumbia|bossa nova|samba|tango|flamenco
house|deep house|tropical house|progressive house|electro house|big room|techno|trance|drum and bass|dubstep|ambient|chillout|downtempo|trip hop
synth pop|electropop|synthwave|new wave|post-punk|shoegaze|dream pop|psychedelic rock|progressive rock|post-rock|emo|hardcore|industrial|edm
dance pop|teen pop|k-pop|j-pop|afrobeat|afropop|gospel|opera|classical|baroque|film score|soundtrack|piano ballad|power ballad|acoustic
singer-songwriter|chamber music|choir|world music|celtic|bollywood|lullaby|christmas music|marching band|new age|hyperpop|garage|grime|lounge
easy listening|surf rock|rockabilly|motown|doo-wop|permanent wave|album rock|urban contemporary|tropical|experimental|noise|instrumental""".replace(
    "\n", "|"
).split("|")

INSTRUMENTS = """piano|acoustic guitar|electric guitar|distorted guitars|bass guitar|slap bass|drums|drum machine|808 bass|synthesizer|synth pads|strings
violin|cello|double bass|harp|flute|clarinet|saxophone|trumpet|trombone|brass section|french horn|organ|harmonica|accordion|banjo|mandolin|ukulele
fiddle|sitar|tabla|congas|bongos|hand claps|tambourine|choir|soft vocals|female vocals|male vocals|falsetto|rapping|whistling|turntables|vinyl crackle
steel drums|marimba|vibraphone|xylophone|bells|music box|bagpipes|timpani|orchestra|string quartet|rhodes piano|theremin|lap steel guitar""".replace(
    "\n", "|"
).split("|")

PACES = [
    "slow",
    "very slow",
    "mid-tempo",
    "fast",
    "very fast",
    "steady",
    "driving",
    "laid-back",
    "relaxed",
    "frantic",
    "pulsing",
    "danceable",
]
DECADES = [
    "1950s",
    "1960s",
    "1970s",
    "1980s",
    "1990s",
    "2000s",
    "2010s",
    "2020s",
    "60s",
    "70s",
    "80s",
    "90s",
    "modern",
    "vintage",
    "old",
    "retro",
    "classic",
    "timeless",
]
TIMES = """at dawn|at sunrise|in the early morning|in the morning|at noon|in the afternoon|on a sunday afternoon|at golden hour|at sunset|at dusk
at twilight|in the evening|on a friday night|at night|late at night|at midnight|after midnight|at 3 am|under the stars|under the moon|by candlelight
in daylight|before dawn|all night long""".replace("\n", "|").split("|")
WEATHER = """in the rain|in heavy rain|in a thunderstorm|in the snow|in a blizzard|in the fog|in the mist|under a clear blue sky|under grey clouds
in bright sunshine|in the wind|on a hot summer day|on a cold winter day|in spring|in autumn|with falling leaves|under a rainbow|in the heat
on an overcast day|after the rain|under a stormy sky|in hazy light|with frost on the ground""".replace("\n", "|").split(
    "|"
)
PLACES = """a beach|a tropical beach|a rocky coast|the sea|the open ocean|a harbour|a lake|a mountain lake|a river|a waterfall|a forest|a pine forest
a dark forest|a jungle|a desert|sand dunes|a canyon|the mountains|a snowy mountain|a glacier|a hill|a meadow|a field of flowers|a field of sunflowers
a wheat field|a garden|a rose garden|a park|a farm|a village|a country road|a highway|an empty highway|a street|a quiet street|a busy street
a neon street|a city|a big city|a city skyline|a skyscraper|tall buildings|a rooftop|a bridge|a train station|a subway|an airport|a train|a car
a taxi|a bus|a parking lot|a market|a shopping mall|a supermarket|a store|a cafe|a coffee shop|a restaurant|a bar|a jazz club|a night club
a dance floor|a concert hall|a stage|a music festival|a stadium|a gym|a swimming pool|a playground|a school|a classroom|a library|an office
a factory|an industrial site|a warehouse|a hospital|a church|a cathedral|a temple|a graveyard|a castle|old ruins|a museum|a theatre|a kitchen
a living room|a bedroom|a bathroom|a house in the suburbs|a cabin in the woods|a campfire|a tent|a balcony|a window|a fireplace|a boat|a sailboat
a ship|an island|a cave|a volcano|a starry sky|outer space|the moon|an alley|a back yard|a barn|a prison cell|a garbage dump|a wedding hall""".replace(
    "\n", "|"
).split("|")
PEOPLE = """a man|a woman|a young man|a young woman|an old man|an old woman|a boy|a girl|a baby|a child|children|two children|a couple|two lovers|friends
a group of friends|a family|a mother and child|a father and son|a crowd|teenagers|students|a dancer|dancers|a singer|a band|a guitarist|a pianist
a drummer|a dj|a runner|a cyclist|a skateboarder|a surfer|a swimmer|a climber|a hiker|a skier|a snowboarder|a football player|a basketball player
a soldier|a worker|a farmer|a fisherman|a bride and groom|a tourist|a stranger|nobody|somebody|a dog|two dogs|a puppy|a cat|a kitten|a horse|horses
birds|a flock of birds|cows|a lion|a bear|a fish|a butterfly|a snake|ducks""".replace("\n", "|").split("|")
ACTIONS = """dancing|singing|kissing|hugging|walking|running|jogging|jumping|sitting|standing alone|waiting|sleeping|dreaming|crying|laughing|smiling|shouting
fighting|playing|playing guitar|playing the piano|playing football|playing basketball|swimming|surfing|sailing|fishing|climbing|hiking|camping
skiing|snowboarding|skateboarding|riding a bike|riding a horse|riding a motorcycle|driving|driving fast|travelling|flying|falling|reading|studying
writing|working|cooking|eating|drinking|drinking coffee|drinking wine|cleaning|shopping|celebrating|partying|praying|meditating|doing yoga
lifting weights|watching the sunset|looking out of the window|looking at the stars|holding hands|saying goodbye|coming home|walking the dog
playing in the snow|splashing in the water|catching a ball|taking a photo|resting|relaxing|thinking|staring into the distance|blowing bubbles""".replace(
    "\n", "|"
).split("|")
OCCASIONS = """a beach party|a road trip|a night drive|a rainy night drive|a workout|a morning run|a long run|studying|deep focus|work|coding|sleep|falling asleep
a nap|meditation|yoga|a wedding|a first dance|a birthday party|a house party|a dinner party|a romantic dinner|a date night|a breakup|a broken heart
a funeral|christmas|christmas eve|new year's eve|halloween|valentine's day|a summer barbecue|a picnic|a pool party|a rooftop party|a club night
a festival|a campfire|a hike|a train ride|a flight|a sunday morning|breakfast|morning coffee|cooking|cleaning the house|a lazy afternoon|a rainy day
a snowy evening|a summer night|an autumn walk|a spring morning|a sunset|a sunrise|stargazing|a bath|a spa|reading a book|a game night|gaming
a football match|a boxing match|a car chase|a revenge scene|a love scene|a sad ending|opening credits|a road movie|a western|a horror film
a fairy tale|children|a baby|dancing alone|crying|being alone|missing someone|falling in love|feeling free|getting ready|going home|leaving home
growing up|a long day|a bad day|a good day|a quiet night|the end of the world|victory|a graduation|a protest|a carnival|a parade""".replace(
    "\n", "|"
).split("|")
LOOKS = """neon lights|street lights|warm light|soft light|harsh light|candle light|bright colours|pastel colours|dark colours|black and white|deep blue|golden
red and orange|pink and purple|lush green|grey|pale|misty|blurred|smoke|fire|fireworks|confetti|snowflakes|rain drops|shadows|reflections|silhouettes
dust|stars|city lights|stage lights|headlights|flowers|palm trees|old photographs|film grain|graffiti|waves|clouds|lightning|moonlight|sparkles""".replace(
    "\n", "|"
).split("|")
COLOURS = "red orange yellow green blue purple pink brown black white grey golden silver turquoise beige dark light pale bright".split()
SCENES = """buildings|forest|glacier|mountain|sea|street|beach|city|night|day|rain|snow|sunrise|sunset|sunshine|clouds|storm|fog|desert|river|lake
daisies|dandelions|roses|sunflowers|tulips|bedroom|kitchen|living room|office|store|highway|suburb|countryside|coast|factory|skyline|crowd|party""".replace(
    "\n", "|"
).split("|")
LEVELS = {
    "energy": ["very low energy", "low energy", "medium energy", "high energy", "very high energy"],
    "valence": ["very sad", "sad", "neutral mood", "happy", "very happy"],
}
# Words and phrases with clearly high and clearly low energy. The energy of every other text is estimated from them and
# from the phrases that describe songs.
ENERGETIC = """energetic|excited|exciting|thrilling|intense|frantic|frenzied|hectic|furious|raging|explosive|fierce|aggressive|violent|powerful
pounding|pumping|driving|dynamic|vigorous|lively|upbeat|bouncy|rowdy|boisterous|noisy|thunderous|roaring|screaming|shouting|blasting
fast|rapid|speedy|racing|rushing|restless|hyper|ecstatic|euphoric|exhilarating|electrifying|feverish|chaotic|turbulent|stormy|panic|terror
rage|fury|ambush|attack|explosion|riot|battle|fight|chase|race|sprint|jumping|dancing|raving|partying|celebrating|cheering|stampede
a fast and furious chase|an ecstatic crowd|music for lifting weights|a song to dance to|heavy metal|punk rock|hardcore techno|drum and bass
a mosh pit|fireworks|a roller coaster|a football match|a boxing match|a motorcycle race|surfing huge waves|an erupting volcano
people jumping and screaming|a wild animal attacking|a storm at sea|a dance floor at midnight|the last minute of the final|full throttle
pumped up|wide awake|heart pounding|high energy|very high energy|full speed|at the top of their lungs|aggressive guitars|pounding drums
happy and excited|angry and violent|screaming with joy|screaming with fear|a wild party|a street fight|furious anger|bursting with joy""".replace(
    "\n", "|"
).split("|")
CALM = """calm|peaceful|quiet|still|silent|tranquil|serene|gentle|soft|soothing|relaxed|restful|sleepy|drowsy|lazy|idle|slow|languid|mellow|hushed
muted|faint|delicate|tender|lullaby|motionless|placid|subdued|weary|tired|exhausted|bored|lifeless|numb|listless|resigned|meditative|contemplative
thoughtful|reflective|wistful|melancholic|mournful|lonely|depressed|gloomy|sorrowful|weeping|grieving|drained|empty|silence|sleep|rest
slumber|stillness|solitude|boredom|meditating|resting|dozing|napping|waiting|sitting|an evening of quiet thought|a sleeping baby
music for a nap|a slow ballad|ambient music|a solo piano|a string quartet|a soft acoustic guitar|a whisper|snow falling in the night|a misty valley
an empty church|a cup of tea|a man fishing alone|a cat asleep in the sun|a quiet library|a graveyard in the fog|candles in a dark room|a lake without wind
winding down|half asleep|slow breathing|low energy|very low energy|barely a sound|in a whisper|soft strings|slow piano chords
calm and content|sad and tired|crying softly|quiet happiness|silent despair|slow and sad|gentle and sweet|a lonely old man|peace of mind""".replace(
    "\n", "|"
).split("|")
