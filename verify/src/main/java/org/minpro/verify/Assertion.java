package org.minpro.verify;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Whether prose gives a number or formula as its answer, or denies, bounds, supposes, estimates or takes it back.
 *
 * <p>Looks for the words that do so where they apply: before the piece in its clause, behind it in its sentence, and, for
 * taking back, in the sentences that follow. Words of other languages are looked for in the whole sentence.
 */
final class Assertion {
    private static final int REACH = 300;
    private static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS;

    /** What the sentence says of what follows, wherever it stands before the piece. */
    private static final Pattern DOUBTED = Pattern.compile(
            "(?:\\bnot|n['\u2019]t|\\bcannot|\\bnever|\\bno\\b|\\bhardly|\\bunable to|\\bnobody|\\bnone)\\b[^,;:]*\\b(?:think|believe|say|see|claim|mean|sure"
                    + "|certain|true|the case|conclude|prove|proven|show|agree|convinced|confident|accept|reason|evidence|way|chance|possible"
                    + "|possibility|likely|probable|correct|right|valid|guarantee|know|clear|equal|equals|answer)\\b"
                    + "|\\b(?:false|untrue|wrong|incorrect|impossible|unlikely|improbable|doubtful|absurd)\\b\\W+(?:\\w+\\W+)?(?:that|to|for|if)\\b"
                    + "|\\b(?:wrong|incorrect|false|mistaken|bad|invalid|bogus|fake|naive|tempting|rejected|discarded|trap|decoy|erroneous)\\s+(?:\\w+\\s+)?(?:answer|value|result|solution|number|guess|choice|option|total|sum|conclusion|one)\\b"
                    + "|\\bmistake\\b|\\bdoubts?\\b|\\bdoubted\\b|\\bden(?:y|ies|ied)\\b|\\bdisprov|\\brul(?:e|es|ed|ing) out\\b|\\breject|\\bpretend|\\bhypothe"
                    + "|\\b(?:upper|lower) (?:bound|limit)|\\b(?:bounded|limited) (?:above|below|by|to)\\b"
                    + "|\\b(?:first|initial|earlier|previous|old|original|early|wild|random|rough|best) (?:guess|thought|answer|attempt|estimate|try|idea|approximation)\\b"
                    + "|\\b(?:my|a|our|the) (?:guess|estimate)\\b|\\bat first\\b|\\bestimat|\\bballpark"
                    + "|\\b(?:i|we)(?:['\u2019](?:d|ve))?\\s+(?:\\w+\\s+){0,2}?(?:tried|try|guess|guessed|thought|initially|originally|first|wrongly|mistakenly|incorrectly|expected|hoped|wish|wanted)\\b"
                    + "|\\b(?:one|you|people|some|many|students|they|someone)\\s+(?:(?:might|may|would|could|often|wrongly|mistakenly)\\s+)*(?:think|say|guess|believe|claim|thought|said|believed|claimed)\\b"
                    + "|\\btrying\\b|\\blet['\u2019]?s try\\b|\\btry\\b|\\btried\\b|\\bsuppos(?:e|ing|ed)\\b|\\bimagin(?:e|ing)\\b|\\bwhether\\b|\\bperhaps\\b|\\bmaybe\\b|\\bpossibly\\b|\\bused to (?:be|think|say)\\b"
                    + "|\\bfor (?:example|instance)\\b|\\bunsure\\b|\\bdon['\u2019]t know\\b",
            FLAGS);
    /** Words that reach to the end of the clause they stand in. */
    private static final Pattern SUPPOSED = Pattern.compile(
            "\\b(?:if|unless|assum(?:e|es|ing)|except|lest|had it been|were it)\\b|\\beither\\b|\\bneither\\b"
                    + "|\\b(?:could|may|might|would have|should have|could have)\\s+(?:(?:also|well|possibly|even|just|very)\\s+)*(?:be|been|equal)\\b"
                    + "|\\bbetween\\b(?:\\W+\\S+){0,3}?(?:\\W+and)?\\W*$",
            FLAGS);
    /** A denial with at most four words behind it, none of which begins a statement. */
    private static final Pattern DENIED = Pattern.compile(
            "(?:\\bnot|n['\u2019]t|\\bnever|\\bcannot|\\bneither|\\bnor|\\bwithout|\\bhardly|\\bscarcely|\\bbarely|\\binstead of|\\brather than|\\bother than|\\bdifferent from|\\bno longer|\\bfar from|\\banything but|\\bunequal to|\\bexcluding|\\bavoid(?:s|ing)?|\\bfails? to)\\b"
                    + "(?:\\W+(?!(?:is|are|was|were|equals?|gives?|leaves?|makes?|so|then|but)\\b)\\w+){0,4}\\W*$",
            FLAGS);

    private static final Pattern BOUNDED = Pattern.compile(
            "(?:\\bat (?:the )?(?:least|most|minimum|maximum|best|worst)|\\b(?:more|less|fewer|greater|larger|bigger|smaller|higher|lower|older|younger|longer|shorter|taller|heavier|lighter|sooner|later|earlier|further|rather|other) (?:or equal )?than(?: or equal to)?"
                    + "|\\bor equal to|\\bover|\\bunder|\\babove|\\bbelow|\\bbeyond|\\bup to|\\bas (?:many|much|few|little|high|low|large|small|big|long|far) as|\\bexceed(?:s|ing|ed)?|\\bsurpass(?:es|ed|ing)?|\\bwithin|\\bnearly|\\balmost|\\bshort of"
                    + "|\\bclose to|\\bnear|\\bnearing|\\bupwards? of|\\beven|\\buntil|\\bmultiple of|\\bmultiples of|\\bdivisible by|\\bdivides|\\bfactor of|\\bdivisor of|\\bapproach(?:es|ing)|\\btends? to|\\bpart of|\\bhalf of|\\btwice|\\bdouble|\\btriple|\\bhalf|\\bthird of"
                    + "|[<>\u2264\u2265\u2260\u2248\u2242\u2243~\u226a\u226b\u2209\u2213\u00b1]|\\\\(?:le|leq|ge|geq|lt|gt|ne|neq|leqslant|geqslant|ll|gg|pm|not)"
                    + "|\\d\\W*\\b(?:to|through|thru)|\\bfrom \\S+ (?:to|through)|\\bplus or minus)"
                    + "[\\s$\\\\(*:\"'\u201c]*(?:(?:a|an|the|exactly|about|some|total of|value of|number|of)[\\s$\\\\(*]+)*$",
            FLAGS);
    private static final Pattern APPROXIMATE = Pattern.compile(
            "(?:\\babout|\\bapprox(?:imately|\\.)?|\\broughly|\\baround|\\bcirca|\\bsome|\\bmore or less|\\bsomewhere|\\bsomething like|~|\u2248|\\\\approx|\\\\sim|\\\\simeq)[\\s$\\\\(*:]*(?:(?:a|the|equal|to|at|near|be)[\\s$\\\\(*]+)*$",
            FLAGS);
    /** An operation of which the piece is only one operand. */
    private static final Pattern OPERAND_BEFORE = Pattern.compile(
            "(?:[+*/\u00d7\u00f7\u00b7^]|[\\p{L}\\d)\\]}][ \\t]+[-\u2212]|\\\\(?:cdot|times|div)|\\b(?:plus|minus|times|divided by|multiplied by|modulo|mod))[\\s$]*$",
            FLAGS);

    private static final Pattern OPERAND_AFTER = Pattern.compile(
            "^[\\s$]*(?:[+*/\u00d7\u00f7\u00b7^<>\u2264\u2265\u2260\u00b1]\\s*[$(\\\\]*[\\p{L}\\d]|\\\\(?:cdot|times|div|pm|le|ge|lt|gt|ne|pmod|bmod)|(?:plus|minus|times|divided by|multiplied by|mod|modulo)\\b)",
            FLAGS);

    private static final String MARKS = "[\\s$*_)\\]}\"'\u2019\u201d`%\u00b0\u00bb\\\\]*";
    private static final String NEGATIVE =
            "(?:not|n['\u2019]t|never|cannot|wrong|wrongly|incorrect|false|impossible|invalid|unlikely|too|out|mistake|mistaken|error|guess|guessed|rejected|excluded|discarded|ruled|unreasonable|absurd|insufficient|inconsistent|tried|thought|no longer|no|just (?:a|an|one)|only (?:a|an|one)|my first|initial|negative of|bound|estimate|approximation|bogus|untrue|extraneous|withdrawn|nonsense|ridiculous|off|larger|smaller|bigger|greater|less|more|fewer|near|close|almost|nearly|hardly|contradict\\w*|fail\\w*|violat\\w*|unsatisf\\w*|divisible|possible|maybe)";
    /** What is said of a piece that is the subject of the words behind it. */
    private static final Pattern JUDGED = Pattern.compile(
            "^" + MARKS + "(?:[,\u2014\u2013-]*\\s*(?:which|that|this|it|and (?:it|that|this))\\s+)?(?:"
                    + "(?:is|was|are|were|isn|wasn|aren|weren|does|did|do|doesn|didn|don|can|could|couldn|will|won|would|wouldn|seems?|seemed|looks?|appears?|must|mustn|should|shouldn|has|had|may|might)\\b.*?"
                    + NEGATIVE
                    + "|(?:can['\u2019]t|cannot|fails?|failed|contradicts?|contradicted|violates?|violated|fell short|falls short|exceeds|divides)\\b)",
            FLAGS | Pattern.DOTALL);

    private static final Pattern JUDGED_COUNT = Pattern.compile(
            "^" + MARKS
                    + "(?:\\s*\\p{L}+){1,4}?\\s+(?:(?:is|are|was|were|do|does|did|would|will|can|could|be)(?:n['\u2019]t| not|not)?|can['\u2019]t|won['\u2019]t)\\s+(?:be |really |quite |actually )?"
                    + "(?:work|enough|correct|right|the (?:right |correct |final )?answer|possible|impossible|valid|invalid|satisfy|fit|hold|make sense|sufficient|true|wrong|incorrect|false|too|a solution|an option|what)\\b.*",
            FLAGS | Pattern.DOTALL);
    private static final Pattern COUNT_IS_RIGHT = Pattern.compile(
            "(?<!not |n['\u2019]t )\\b(?:is|are|was|were) (?:enough|correct|right|the (?:right |correct |final )?answer|possible|valid|sufficient|true|a solution|what)\\b",
            FLAGS);

    private static final Pattern BOUNDED_AFTER = Pattern.compile(
            "^" + MARKS
                    + "(?:[\\s]*\\p{L}+){0,3}?[\\s,(\\\\]*(?:\\bor (?:more|less|fewer|so|greater|higher|larger|bigger|smaller|lower|above|below|over|under|older|younger|longer|shorter|better|worse|later|earlier|not|maybe|perhaps|thereabouts|nearly|about|even|thereof|any|another|some|\\p{L}+teen\\b|\\p{L}+ty\\b)"
                    + "|\\band (?:up|above|over|more|below|counting|under|upwards?|beyond)\\b|\\bat (?:the )?(?:least|most|minimum|maximum|best|worst)\\b|\\bor\\s*\\(?\\d|\\bmaximum\\b|\\bmax\\b|\\bminimum\\b|\\bupwards?\\b|\\bonwards?\\b|[-\u2013]?ish\\b|\\bgive or take\\b|\\bmore or less\\b|\\bapprox|\\broughly\\b|\\bor thereabouts|\\bplus\\b|\\bplus or minus\\b"
                    + "|\\bwrong\\b|\\bincorrect\\b|\\bnot\\W*$|\\bnope\\b|\\bmaybe\\b|\\bperhaps\\b|\\bpossibly\\b|\\bprobably not\\b|\\bx\\b$)|^\\+(?:\\s|$|[.,])",
            FLAGS);

    private static final Pattern CONDITION_AFTER = Pattern.compile(
            "\\b(?:if|unless|but|however|though|although|yet|whereas|scratch that|never ?mind|not really|just kidding|no wait|wait|oops|i think not|i guess|i['\u2019]m not sure|not sure|is wrong|are wrong|was wrong|is incorrect|was incorrect|is not (?:right|correct|true|possible|valid|it|the)|isn['\u2019]t (?:right|correct|true|possible|valid|it|the)|wasn['\u2019]t (?:right|correct|true)|does(?:n['\u2019]t| not) (?:work|fit|hold|satisfy|make sense|match|add up)|did(?:n['\u2019]t| not) (?:work|fit|hold)|not the (?:right |correct |final )?answer|to (?:be )?(?:exclude|reject|avoid)|,? (?:no|not)[.! ]*$)",
            FLAGS);
    /** What takes back in the sentences that follow. */
    private static final Pattern TAKEN_BACK = Pattern.compile(
            "(?:^|[.!?\u2014\n(]|\\.\\.\\.)\\W*(?:no|nope|not|wait|oops|hmm+|hm|actually|sorry|correction|scratch|rather|edit|ugh|argh|false|wrong|incorrect|nah|but|however|except|unless|or|maybe|perhaps|instead|strike|ignore|disregard|forget|never ?mind|on second thought|i mean|let me (?:re|try|check|think|double|verify|see)|let['\u2019]s (?:re|try|check|double))\\b(?!\\W+(?:doubt|problem|need|further|more|other)\\b)"
                    + "|\\b(?:wrong|incorrect|mistaken|mistake|contradict\\w*|impossible|kidding|nonsense|withdraw\\w*|retract\\w*|reject\\w*|disregard|invalid|never ?mind|scratch that|start over|give up|not sure|unsure|recheck|reconsider|untrue)\\b"
                    + "|\\b(?:can['\u2019]?t|cannot|could not|couldn['\u2019]t|unable to|failed to|don['\u2019]t know how to) (?:be|solve|find|determine|finish|complete|work|tell|say|answer)"
                    + "|\\b(?:is|was|does|did|do|would|will|are|were|has|had|could|should|must)(?:n['\u2019]t| not| never)\\b[^.]{0,40}?\\b(?:work|fit|hold|satisf\\w*|make sense|right|correct|possible|valid|the answer|it|true|match|add up|be|so|agree|equal)\\b"
                    + "|\\bthat['\u2019]?s? (?:is )?(?:not|too)\\b|\\btoo (?:big|small|large|low|high|many|few|much|little)\\b|\\bfalse\\b",
            FLAGS);
    /** The end of what a reader who asks says. */
    private static final String QUESTIONS = "?\uff1f\u061f";

    /** Words of other languages that deny, bound, suppose or estimate, anywhere in the sentence. */
    private static final Pattern ELSEWHERE = Pattern.compile(
            // Spanish, Portuguese, Italian, French
            "\\bno (?:es|son|puede|era|sea|ser\u00e1|vale|funciona|m\u00e1s|menos|igual)\\b|\\bno,|\\bnunca\\b|\\btampoco\\b|\\bm\u00e1s de\\b|\\bmenos de\\b|\\bal menos\\b|\\bpor lo menos\\b|\\ba lo sumo\\b|\\bcomo (?:m\u00e1ximo|m\u00ednimo|mucho)\\b|\\bmayor(?:es)? (?:que|o igual)\\b|\\bmenor(?:es)? (?:que|o igual)\\b|\\bsi\\b|\\bquiz\u00e1s?\\b|\\btal vez\\b|\\baproximadamente\\b|\\balrededor de\\b|\\bcasi\\b|\\bincorrect[oa]\\b|\\bfals[oa]\\b|\\bo m\u00e1s\\b|\\bo menos\\b|\\bentre\\b|\\bni\\b|\\bequivocad"
                    + "|\\bn\u00e3o\\b|\\bmais (?:de|do|que)\\b|\\bpelo menos\\b|\\bno (?:m\u00e1ximo|m\u00ednimo)\\b|\\btalvez\\b|\\bcerca de\\b|\\berrad[oa]\\b|\\bou mais\\b|\\bmaior (?:que|do que|ou igual)\\b|\\bmenor do\\b|\\bquase\\b"
                    + "|\\bnon\\b|\\bpi\u00f9 di\\b|\\bmeno di\\b|\\balmeno\\b|\\bal massimo\\b|\\bforse\\b|\\bcirca\\b|\\bsbagliat|\\bmaggiore\\b|\\bminore\\b|\\bo pi\u00f9\\b|\\bquasi\\b"
                    + "|\\bpas\\b|\\bplus (?:de|grand|petit|ou moins|que)\\b|\\bmoins (?:de|que)\\b|\\bau (?:moins|plus|maximum|minimum)\\b|\\bpeut-\u00eatre\\b|\\benviron\\b|\\bsup\u00e9rieur|\\binf\u00e9rieur|\\bfau(?:x|sse)\\b|\\bpresque\\b|\\bou plus\\b|\\bou moins\\b|\\bjamais\\b|\\bs['\u2019]il\\b|\\berreur\\b"
                    // German, Dutch, Swedish, Polish, Turkish, Vietnamese, Indonesian
                    + "|\\bnicht\\b|\\bkeine?\\b|\\bniemals\\b|\\bmindestens\\b|\\bh\u00f6chstens\\b|\\bmehr als\\b|\\bweniger als\\b|\\bgr\u00f6\u00dfer\\b|\\bkleiner\\b|\\bungef\u00e4hr\\b|\\betwa\\b|\\bfalsch\\b|\\bwenn\\b|\\bfalls\\b|\\bvielleicht\\b|\\bfast\\b|\\bmaximal\\b|\\bminimal\\b|\\bzwischen\\b|\\bweder\\b|\\boder (?:mehr|weniger)\\b|\\brund\\b|\\bknapp\\b"
                    + "|\\bniet\\b|\\bgeen\\b|\\bminstens\\b|\\bhoogstens\\b|\\bmeer dan\\b|\\bminder dan\\b|\\bongeveer\\b|\\bmisschien\\b|\\binte\\b|\\bminst\\b|\\bh\u00f6gst\\b|\\bmer \u00e4n\\b|\\bmindre \u00e4n\\b|\\bungef\u00e4r\\b|\\bnie\\b|\\bco najmniej\\b|\\bco najwy\u017cej\\b|\\bwi\u0119cej ni\u017c\\b|\\bmniej ni\u017c\\b|\\boko\u0142o\\b|\\bde\u011fil\\b|\\ben az\\b|\\ben fazla\\b|\\byakla\u015f\u0131k\\b|\\bkh\u00f4ng\\b|\\b\u00edt nh\u1ea5t\\b|\\bnhi\u1ec1u nh\u1ea5t\\b|\\bkho\u1ea3ng\\b|\\bbukan\\b|\\btidak\\b|\\blebih dari\\b|\\bkurang dari\\b|\\bsekitar\\b|\\bmungkin\\b"
                    // Russian, Arabic, Hindi
                    + "|\\b\u043d\u0435\\b|\\b\u043d\u0435\u0442\\b|\\b\u043d\u0438\\b|\\b\u0431\u043e\u043b\u044c\u0448\u0435\\b|\\b\u043c\u0435\u043d\u044c\u0448\u0435\\b|\\b\u0431\u043e\u043b\u0435\u0435\\b|\\b\u043c\u0435\u043d\u0435\u0435\\b|\\b\u043c\u0438\u043d\u0438\u043c\u0443\u043c\\b|\\b\u043c\u0430\u043a\u0441\u0438\u043c\u0443\u043c\\b|\\b\u043f\u043e \u043a\u0440\u0430\u0439\u043d\u0435\u0439\\b|\\b\u043e\u043a\u043e\u043b\u043e\\b|\\b\u043f\u0440\u0438\u043c\u0435\u0440\u043d\u043e\\b|\\b\u043f\u0440\u0438\u0431\u043b\u0438\u0437\u0438\u0442\u0435\u043b\u044c\u043d\u043e\\b|\\b\u0435\u0441\u043b\u0438\\b|\\b\u043d\u0435\u0432\u0435\u0440\u043d|\\b\u043d\u0435\u043f\u0440\u0430\u0432\u0438\u043b\u044c\u043d|\\b\u0432\u043e\u0437\u043c\u043e\u0436\u043d\u043e\\b|\\b\u043f\u043e\u0447\u0442\u0438\\b|\\b\u043c\u043e\u0436\u0435\u0442 \u0431\u044b\u0442\u044c\\b"
                    + "|\u0644\u064a\u0633|\u0644\u064a\u0633\u062a|\u0644\u0627 |\u0639\u0644\u0649 \u0627\u0644\u0623\u0642\u0644|\u0639\u0644\u0649 \u0627\u0644\u0623\u0643\u062b\u0631|\u0623\u0643\u062b\u0631 \u0645\u0646|\u0623\u0642\u0644 \u0645\u0646|\u062a\u0642\u0631\u064a\u0628|\u062d\u0648\u0627\u0644\u064a|\u0625\u0630\u0627|\u062e\u0637\u0623|\u0928\u0939\u0940\u0902|\u0915\u092e \u0938\u0947 \u0915\u092e|\u0905\u0927\u093f\u0915|\u0932\u0917\u092d\u0917|\u0e44\u0e21\u0e48|\u0e2d\u0e22\u0e48\u0e32\u0e07\u0e19\u0e49\u0e2d\u0e22|\u0e1b\u0e23\u0e30\u0e21\u0e32\u0e13"
                    // Chinese, Japanese, Korean
                    + "|\u4e0d\u662f|\u4e0d\u7b49|\u4e0d\u53ef|\u4e0d\u80fd|\u4e0d\u4f1a|\u4e0d\u5bf9|\u4e0d\u5c0d|\u4e0d\u6b63|\u4e0d\u6210|\u4e0d\u5927|\u4e0d\u5c0f|\u4e0d\u5c11|\u4e0d\u591a|\u4e0d\u8d85|\u4e0d\u8db3|\u4e0d\u6ee1|\u5e76\u975e|\u4e26\u975e|\u7edd\u975e|\u975e\u5e38\u63a5\u8fd1|\u81f3\u5c11|\u81f3\u591a|\u6700\u591a|\u6700\u5c11|\u5927\u4e8e|\u5c0f\u4e8e|\u5927\u65bc|\u5c0f\u65bc|\u8d85\u8fc7|\u8d85\u904e|\u5c11\u4e8e|\u591a\u4e8e|\u5927\u7ea6|\u5927\u7d04|\u7ea6\u4e3a|\u7ea6\u7b49|\u5de6\u53f3|\u4ee5\u4e0a|\u4ee5\u4e0b|\u4ee5\u5185|\u672a\u6e80|\u9519|\u932f|\u8bef|\u5982\u679c|\u5047\u8bbe|\u5047\u5982|\u82e5|\u6216|\u4ecb\u4e8e|\u63a5\u8fd1|\u53ef\u80fd|\u4e5f\u8bb8|\u4f46|\u7b54\u6848\u4e0d|\u6ca1\u6709|\u5e94\u8be5\u4e0d"
                    + "|\u3067\u306f\u306a|\u3058\u3083\u306a|\u3067\u306f\u3042\u308a\u307e\u305b|\u3058\u3083\u3042\u308a\u307e\u305b|\u3042\u308a\u307e\u305b\u3093|\u3088\u308a\u5927|\u3088\u308a\u5c0f|\u3088\u308a\u591a|\u3088\u308a\u5c11|\u9593\u9055|\u7d04|\u3082\u3057|\u5c11\u306a\u304f\u3068\u3082|\u591a\u304f\u3068\u3082|\u304b\u3082\u3057\u308c|\u304f\u3089\u3044|\u307b\u307c|\u3057\u304b\u3057|\u306a\u3044"
                    + "|\uc544\ub2c8|\uc544\ub2d9|\uc774\uc0c1|\uc774\ud558|\ubbf8\ub9cc|\ucd08\uacfc|\ucd5c\uc18c|\ucd5c\ub300|\uc801\uc5b4\ub3c4|\ub9cc\uc57d|\uc544\ub9c8|\ud2c0|\uc57d |\ud558\uc9c0\ub9cc|\ubcf4\ub2e4 \ud06c|\ubcf4\ub2e4 \uc791",
            FLAGS);

    private static final Pattern DENIED_BOX_BEFORE = Pattern.compile(
            "(?:\\bnot|n['\u2019]t|\\bcannot|\\bnever|\\bneither|\\bnor)(?:\\s+(?:be|equal|equal to|the answer|the number|to))?[\\s$*:\\\\(\\[]*$"
                    + "|\\b(?:wrong|incorrect|false) (?:answer|value|result)(?:\\s+(?:is|would be))?[\\s$*:\\\\(\\[]*$"
                    + "|(?:not|n['\u2019]t) (?:think|believe) [^.]{0,40}$",
            FLAGS);
    private static final Pattern TAKEN_BACK_BOX = Pattern.compile(
            "^" + MARKS
                    + "(?:(?:is|was|are|were|seems|would be|must be) (?:wrong|incorrect|false|impossible|invalid|a mistake|not (?:right|correct|the answer|the right|the correct|possible|valid|it|true|a solution))"
                    + "|(?:isn|wasn)['\u2019]t (?:right|correct|the|possible|valid|it|true)|does(?:n['\u2019]t| not) (?:work|satisfy|fit|hold|make sense|match)|did(?:n['\u2019]t| not) work|cannot be|can['\u2019]t be|fails\\b|\\(?(?:wrong|incorrect|not)\\)?[.!\\s]*$|or (?:more|less|fewer|not|maybe|\\d))"
                    + "|(?:^|[.!?,\n\u2014-])\\W*(?:no,|wait,? (?:that|this|it)|oops|scratch that|never ?mind|just kidding|(?:but |actually,? |wait,? |hmm,? )*(?:that|this|it|which|my answer|the answer above)(?:['\u2019]s| is| was| seems| must be)? (?:wrong|incorrect|false|not (?:right|correct|true|the answer|valid|possible)|impossible|a mistake)|(?:that|this|it) (?:does(?:n['\u2019]t| not)|did(?:n['\u2019]t| not)) work)",
            FLAGS);

    private Assertion() {}

    /** Whether a number is passed over because the words directly before it deny it: "not 7", "instead of 7". */
    static boolean isDenied(String text, int start) {
        int i = start;
        while (i > 0 && " $*(".indexOf(text.charAt(i - 1)) >= 0) {
            i--;
        }
        if (i < 3 || i == start && text.charAt(i - 1) != '\u2260') {
            return false;
        }
        return endsIn(text, i, "not")
                || endsIn(text, i, "n't")
                || endsIn(text, i, "n\u2019t")
                || endsIn(text, i, "nor")
                || endsIn(text, i, "instead of")
                || endsIn(text, i, "rather than")
                || endsIn(text, i, "\\ne")
                || endsIn(text, i, "\\neq")
                || text.charAt(i - 1) == '\u2260';
    }

    private static boolean endsIn(String text, int end, String word) {
        int start = end - word.length();
        return start >= 0
                && text.regionMatches(true, start, word, 0, word.length())
                && (start == 0
                        || !Character.isLetter(text.charAt(start - 1))
                        || word.charAt(0) == 'n' && word.charAt(1) != 'o');
    }

    /**
     * Whether a text gives the piece between two places as what it says, in prose.
     *
     * @param alone whether the piece is compared alone, so that it must be no operand of what stands beside it
     */
    static boolean holds(String text, int start, int end, boolean alone) {
        int from = sentenceStart(text, start);
        int to = sentenceEnd(text, end);
        String before = text.substring(from, start).toLowerCase(Locale.ROOT);
        String after = text.substring(end, to).toLowerCase(Locale.ROOT);
        String tail = text.substring(to, Math.min(text.length(), to + REACH)).toLowerCase(Locale.ROOT);
        if (endsAsQuestion(text, end, to)) {
            return false;
        }
        String clause = clause(before);
        boolean wide =
                DOUBTED.matcher(before).find() || ELSEWHERE.matcher(before).find();
        if (wide
                || SUPPOSED.matcher(clause).find()
                || DENIED.matcher(clause).find()
                || BOUNDED.matcher(clause).find()
                || alone && OPERAND_BEFORE.matcher(clause).find()) {
            return false;
        }
        boolean whole = text.substring(start, end).indexOf('.') < 0;
        if (whole && APPROXIMATE.matcher(clause).find()) {
            return false;
        }
        if (JUDGED.matcher(after).find()
                || BOUNDED_AFTER.matcher(after).find()
                || alone && OPERAND_AFTER.matcher(after).find()
                || CONDITION_AFTER.matcher(after).find()
                || ELSEWHERE.matcher(after).find()) {
            return false;
        }
        if (JUDGED_COUNT.matcher(after).find() && !COUNT_IS_RIGHT.matcher(after).find()) {
            return false;
        }
        return !TAKEN_BACK.matcher(tail).find();
    }

    /** Whether a box is the answer, and not denied beside it nor taken back behind it. */
    static boolean holdsBox(String text, int start, int end) {
        String before = text.substring(Math.max(0, start - 60), start).toLowerCase(Locale.ROOT);
        String after = text.substring(end, Math.min(text.length(), end + REACH)).toLowerCase(Locale.ROOT);
        return !DENIED_BOX_BEFORE
                        .matcher(before.substring(before.lastIndexOf('\n') + 1))
                        .find()
                && !TAKEN_BACK_BOX.matcher(after).find();
    }

    /** The last part of what stands before a piece, behind a comma or a word that begins a conclusion. */
    private static String clause(String before) {
        int from = 0;
        for (int i = 0; i < before.length() - 1; i++) {
            char c = before.charAt(i);
            if ((c == ',' || c == ';' || c == ':' || c == '\u2014') && Character.isWhitespace(before.charAt(i + 1))) {
                from = i + 1;
            }
        }
        for (String word : new String[] {" so ", " therefore ", " thus ", " hence ", " then ", " because "}) {
            int at = before.lastIndexOf(word);
            from = Math.max(from, at < 0 ? 0 : at + word.length());
        }
        return before.substring(from);
    }

    private static int sentenceStart(String text, int at) {
        int limit = Math.max(0, at - REACH);
        for (int i = at - 1; i >= limit; i--) {
            if (endsSentence(text, i) && i + 1 < at) {
                return i + 1;
            }
        }
        return limit;
    }

    private static int sentenceEnd(String text, int at) {
        int limit = Math.min(text.length(), at + REACH);
        for (int i = at; i < limit; i++) {
            if (endsSentence(text, i)) {
                return i;
            }
        }
        return limit;
    }

    private static boolean endsSentence(String text, int at) {
        char c = text.charAt(at);
        return c == '\n'
                || c == '\u3002'
                || c == '\uff01'
                || c == '\uff1f'
                || (c == '.' || c == '!' || c == '?')
                        && (at + 1 == text.length()
                                || Character.isWhitespace(text.charAt(at + 1))
                                || "*\"')$".indexOf(text.charAt(at + 1)) >= 0);
    }

    private static boolean endsAsQuestion(String text, int end, int to) {
        return to < text.length() && QUESTIONS.indexOf(text.charAt(to)) >= 0
                || to > end && QUESTIONS.indexOf(text.charAt(to - 1)) >= 0
                || to - end < 3 && text.indexOf('?', end) >= 0 && text.indexOf('?', end) <= end + 3;
    }
}
