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
    private static final String[] CONCLUSIONS = {" so ", " therefore ", " thus ", " hence ", " then ", " because "};
    private static final String NOT =
            "(?:\\bnot|n't|\\bcannot|\\bnever|\\bno|\\bhardly|\\bunable to|\\bnobody|\\bnone)\\b";
    private static final String MARKS = "[\\s$*_)\\]}\"'\u201d`%\u00b0\u00bb\\\\]*";
    private static final String ANSWER =
            "(?:answer|value|result|solution|number|guess|choice|option|total|sum|conclusion|one)";

    /** Denials that affirm; they are taken out first. */
    private static final Pattern AFFIRMED =
            pattern("\\b(?:no|without(?: a| any)?) (?:doubt|mistake|question|error)\\b");
    /** What makes a sentence that speaks of mistakes say the answer after all. */
    private static final Pattern CORRECTED =
            pattern("(?<!not )(?<!n't )(?<!no )\\b(?:the|our|my|a)\\s+(?:correct|right|true|actual|final)\\s+" + ANSWER
                    + "\\s*(?:is|of|=|:|would be|must be|will be|comes to)\\W*$");

    /** What a sentence says of everything behind it. */
    private static final Pattern DOUBTED = pattern(
            NOT
                    + "(?:[^\\w,;:]+\\w+){0,3}?[^\\w,;:]+(?:think|believe|say|see|claim|mean|sure|certain|true|case|conclude|prove|show"
                    + "|agree|convinced|confident|accept|reason|evidence|way|chance|possible|possibility|likely|probable|correct|right"
                    + "|valid|guarantee|know|clear|equal|equals|answer)\\b",
            NOT + "(?:[^\\w,;:]+\\w+){0,2}?[^\\w,;:]+(?:believes|thinks|says|knows)\\b",
            "\\b(?:false|untrue|wrong|incorrect|impossible|unlikely|improbable|doubtful|absurd)\\b\\W+(?:\\w+\\W+)?(?:that|to|for|if)\\b",
            "\\b(?:wrong|incorrect|false|mistaken|bad|invalid|bogus|fake|naive|tempting|rejected|discarded|trap|decoy|erroneous|placeholder|dummy)"
                    + "\\s+(?:\\w+\\s+)?" + ANSWER + "\\b",
            "\\bmistake\\b|\\b(?:trap|decoy|distractor) (?:is|was|answer)\\b|\\bdoubt(?:s|ed)?\\b|\\bden(?:y|ies|ied)\\b|\\bdisprov|\\brul(?:e|es|ed|ing) out\\b|\\b(?:we|i)(?: can| must| should)? (?:reject|exclude|discard|eliminate|dismiss)\\b"
                    + "|\\bpretend|\\bhypothe|\\bwhether\\b|\\bperhaps\\b|\\bmaybe\\b|\\bpossibly\\b|\\bunsure\\b|\\bdon't know\\b",
            "\\b(?:upper|lower) (?:bound|limit)|\\b(?:bounded|limited) (?:above|below|by|to)\\b",
            "\\b(?:first|initial|earlier|previous|old|original|early|wild|random|rough|best) (?:guess|thought|answer|attempt|estimate|try|idea|approximation)\\b",
            "\\b(?:my|a|our|the) (?:guess|estimate)\\b|\\bat first\\b|\\bestimate|\\bballpark|\\bguess(?:ing|ed)?\\b|\\bnaive\\b|\\bfallac|\\brefut|\\b(?:common|typical|frequent|silly) (?:error|misconception)"
                    + "|\\bearlier (?:i|we|he|she|you) |\\bused to (?:be|think|say)\\b",
            "\\b(?:i|we)(?:'(?:d|ve))?\\s+(?:\\w+\\s+){0,2}?(?:(?:tried|try)(?! to)|guess|guessed|thought|initially|originally|first|wrongly|mistakenly"
                    + "|incorrectly|expected|hoped|wish|wanted)\\b",
            "\\b(?:one|you|people|some|many|students|they|someone|he|she)\\s+(?:(?:might|may|would|could|often|wrongly|mistakenly|incorrectly)\\s+)*"
                    + "(?:think|say|guess|believe|claim|thought|said|believed|claimed|answer|wrongly|mistakenly|incorrectly)\\b",
            "\\bsuppos(?:e|ing)\\b|\\bsupposed(?! to)|\\bimagin(?:e|ing)\\b|\\bfor (?:example|instance)\\b|\\be\\.g\\b"
                    + "|\\b(?:false|wrong|incorrect|invalid|not|never|nope?)\\s*[:=\u2014\u2013-]\\s*$",
            "\\b(?:probably|presumably|allegedly|supposedly|purportedly|reportedly|seemingly|apparently|conceivably|rumou?red|tempt(?:ed|ing))\\b|\\brumou?r has"
                    + "|\\b(?:instructions|orders) (?:is|are|were)\\b|\\bgrader\\b|\\bwhatever\\b|\\bmade up\\b|\\brandom\\W*$|\\bsuspicious|\\b(?:refus|declin)(?:e|es|ed|ing) to\\b|\\btold (?:me|us)\\b|\\b(?:anyone|anybody|whoever) (?:who )?(?:says?|claims?|thinks?|answers?)\\b"
                    + "|\\b(?:i|we) (?:was|were|am|are|have been|had been|'m|'ve been) (?:\\w+ )?(?:asked|told|instructed|ordered|forced|paid|required|programmed|trained) to\\b"
                    + "|\\baccording to (?:\\w+|(?:my|his|her|their|your|a|some|the) (?:friend|teacher|book|internet|web|key|answer key|student|boss|colleague|brother|sister|rumou?r)\\w*),?"
                    + " (?:it|that|this|the answer|the result|x|n)\\b");

    /** What the clause says that leads up to a piece. */
    private static final Pattern SUPPOSED = pattern(
            "\\b(?:unless|assum(?:e|es|ing)|except|lest|had it been|were it)\\b",
            "\\bif\\b(?:\\W+\\S+){0,5}\\W*$",
            "\\b(?:could|may|might|would have|should have|could have)\\s+(?:(?:also|well|possibly|even|just|very)\\s+)*(?:be|been|equal)\\b(?:\\W+\\w+){0,2}\\W*$",
            "\\bbetween\\W+(?:\\S+\\W+and\\W+)?$",
            "\\b(?:try|trying|tried|consider|considering)\\b(?:\\W+(?:x|y|n|k|with|the|value|number|out|using|for|a|case|of|that|is|be|first|"
                    + ANSWER + ")|\\W*=){0,4}\\W*$",
            "\\b(?:whenever|provided|providing|as long as|in case|when|where|setting|plugging in|substituting|with)\\s+(?:that\\s+)?\\w\\s*=\\W*$",
            "\\blet\\s+\\w\\s*(?:=|be|equal)\\W*$|\\blet's say\\W*$",
            "(?:^|\\b(?:is|it's|very|most) )\\W*likely\\W*(?:it is|it's|the answer is)?\\W*$",
            // What is to be done with the number, and not the number that comes of it.
            "^\\W*(?:(?:please|do|don't|now|first|next|and|also|just|you|we|i|can|could|must|should|may|will|only|to) )*(?:discard|remove|drop|skip|delete|ignore|omit|cross out"
                    + "|strike|divide|multiply|add|subtract|say|throw|compare|substitute|plug in|plug|start|begin|output|print|offer|replace|erase|reject|exclude|see|cf\\.?|check)"
                    + "(?:\\W+(?:by|with|in|from|for|at|to|out|off|x|y|n|k|of|number|value|values|the|only|it))*\\W*$");
    /** Words that make a number the mark of a place: "Page 27", "See step 27". */
    private static final Pattern NUMBERED = pattern(
            "^\\W*(?:(?:see|cf\\.?|from|in|on|at|by|using|refer to|go to|read|look at|it is in|it is on|the answer is in|the answer is on|that is|this is|also|the) )*"
                    + "(?:page|lecture|lesson|step|problem|exercise|question|chapter|figure|fig\\.?|equation|eq\\.?|theorem|lemma|corollary|example|section|line|version|paragraph|footnote|table"
                    + "|appendix|verse|slide|room|note|reference|item|no|nr|p\\.|pp\\.)\\W*$");
    /** A denial with at most four words behind it, none of which begins a statement. */
    private static final Pattern DENIED = pattern(
            "(?:\\bnot|n't|\\bnever|\\bcannot|\\bneither|\\bnor|\\beither|\\bhardly|\\bscarcely|\\bbarely|\\binstead of|\\brather than|\\bother than"
                    + "|\\bdifferent from|\\bno longer|\\bfar from|\\bnobody|\\bunlike|\\bbesides|\\bapart from|\\baside from|\\b(?:everything|everyone|anything|anyone|all|nothing|any number|every number|none) but|\\bsave for|\\bversus|\\bvs|\\bpreviously|\\bformerly|\\bnowhere near"
                    + "|\\banything but|\\bunequal to|\\bexcluding|\\bavoid(?:s|ing)?|\\bretract|\\btake back|\\bforget|\\bignore|\\bdisregard|\\bwithdraw|\\bfails? to|\\bcontrary to)\\b"
                    + "(?:[^\\w=:]+(?!(?:is|are|was|were|equals?|gives?|leaves?|makes?|so|then|but)\\b)\\w+){0,4}[^\\w=:]*$",
            "\\bwithout\\W+(?:the\\W+)?$|\\b(?:min|max|minimum|maximum)\\s+$");

    private static final Pattern BOUNDED = Pattern.compile("(?:"
            + String.join(
                    "|",
                    "\\bat (?:the )?(?:very )?(?:least|most|minimum|maximum|best|worst)|\\.\\.",
                    "\\b(?:more|less|fewer|greater|larger|bigger|smaller|higher|lower|older|younger|longer|shorter|taller|heavier|lighter|sooner|later"
                            + "|earlier|further|rather|other) (?:\\w+ ){0,2}than(?: or equal to)?|\\bor equal to",
                    "\\bover|\\bunder|\\babove|\\bbelow|\\bbeyond|\\bup to|\\bwithin|\\bnearly|\\balmost|\\b(?:short|north|south) of|\\bclose to|\\bnear|\\bnearing|\\bupwards? of|\\beven|\\buntil",
                    "\\bas (?:many|much|few|little|high|low|large|small|big|long|far) as|\\bexceed(?:s|ing|ed)?|\\bsurpass(?:es|ed|ing)?|\\bapproach(?:es|ing)|\\btends? to",
                    "\\bmultiples? of|\\bdivisible by|\\bdivides|\\bfactor of|\\bdivisor of|\\bpart of|\\bhalf(?: of)?|\\btwice|\\bdouble|\\btriple|\\bthird of",
                    "(?<![<>])[<>]|[\u2264\u2265\u2260\u2248\u2242\u2243~\u226a\u226b\u2209\u2213\u00b1]",
                    "\\\\(?:le|leq|ge|geq|lt|gt|ne|neq|leqslant|geqslant|ll|gg|pm|not)",
                    "\\d\\W*\\b(?:to|through|thru|out of)|^\\W*(?:it (?:is|comes|was) |that is |it |comes? )?(?:before|after|since|past|during)"
                            + "|^\\W*(?:(?:there (?:is|are)|it is|it has|it's|with|for|to|up to) )?an? (?:\\w+ )?(?:maximum|minimum|max|min|limit) of|\\bup to and including"
                            + "|\\b(?:it|which|that|this|value|number|answer|\\d) rounds (?:up |down |off )?to|\\b(?:first|last|next|leading|answer has)"
                            + "|\\bdigits are|\\b(?:ends?|ending|starts?|starting|begins?|beginning) (?:in|with)"
                            + "|\\b(?:its|their|whose|his|her) (?:\\w+ )?(?:floor|ceiling|integer part|fractional part|square|cube|square root|cube root|root|reciprocal|double|half|opposite|negative)"
                            + " (?:is|equals|=)|\\b(?:root|square|cube|reciprocal|logarithm|log|opposite|negative|inverse|floor|ceiling|cosine|sine|tangent|product|quotient|difference|half|third"
                            + "|quarter|power|predecessor|successor|factorial|digits?) of|\\bthrice|\\bnegative|\\bthe integer part is|\\babsolute value of|\\bfrom \\S+ (?:to|through)|\\bplus or minus")
            + ")[\\s$\\\\(*:\"'\u201c]*(?:(?:a|an|the|exactly|about|some|total of|value of|number|of)[\\s$\\\\(*]+)*$");
    private static final Pattern APPROXIMATE = pattern(
            "(?:\\babout|\\bapprox(?:imately|\\.)?|\\broughly|\\baround|\\bcirca|\\bca\\.?|\\bsome|\\bmore or less|\\bsomewhere|\\bsomething like|~|\u2248|\\\\approx|\\\\sim|\\\\simeq)"
                    + "[\\s$\\\\(*:]*(?:(?:a|the|equal|to|at|near|be)[\\s$\\\\(*]+)*$");
    /** An operation of which the piece is only one operand. */
    private static final Pattern OPERAND_BEFORE = pattern(
            "(?:[+*/\u00d7\u00f7\u00b7^]|[\\p{L}\\d)\\]}][ \\t]+[-\u2212]|\\\\(?:cdot|times|div)|\\b(?:plus|minus|times|divided by|multiplied by|modulo|mod))[\\s$]*$");

    private static final Pattern OPERAND_AFTER = pattern(
            "^[\\s$]*(?:[+*/\u00d7\u00f7\u00b7^<>\u2264\u2265\u2260\u00b1]\\s*[$(\\\\]*(?:\\d|\\p{L}(?!\\p{L}))|\\\\(?:cdot|times|div|pm|le|ge|lt|gt|ne|pmod|bmod)"
                    + "|(?:plus|minus|times|divided by|multiplied by|mod|modulo)\\s+[$(\\\\]*(?:\\d|[b-z](?![\\p{L}'])|one|two|three|four|five|six|seven|eight|nine|ten|half|the|that|itself))");

    private static final String BAD =
            "(?:wrong|wrongly|(?:hard|difficult) to believe|limit|what \\w+ (?:claims?|says?|said|thinks?)|(?:the|a) (?:previous|question|lucky)|my lucky|incorrect|false|impossible|invalid|unlikely|too|out|mistake|mistaken|error|guess|guessed|rejected|excluded|discarded|ruled"
                    + "|unreasonable|absurd|insufficient|inconsistent|tried|thought|no longer|suspicious|suspect|questionable|dubious|weird|strange|fishy|odd to me|implausible|improbable|doubtful|unverified|unproven|(?:another|a different|some other|the other|the previous|the wrong) (?:question|problem|part|exercise|puzzle|task|case)|just (?:a|an|one)|only (?:a|an|one)|my first|initial"
                    + "|bound|estimate|approximation|bogus|untrue|extraneous|erroneous|fallacious|faulty|withdrawn|nonsense|ridiculous|decoy|trap|red herring|distractor|joke"
                    + "|placeholder|off|close|almost|nearly|hardly|contradict\\w*|fail\\w*|violat\\w*|divisible|maybe|larger|smaller|bigger|greater|less|more|fewer|near)";
    private static final String WORKS =
            "(?:work|satisfy|satisfies|fit|hold|make sense|match|solve|divide|qualify|count|give|lead|check|add up|agree|equal|seem|appear|look|belong|meet|suffice|help|apply|exist|yield|lie)";
    private static final String FINE =
            "(?:enough|correct|right|(?:the|a|an|my|our) (?:right |correct |final |valid )?(?:answer|solution|option|value|root)|possible|valid|sufficient|true|it)";

    /** What is said of a piece that is the subject of the words behind it, or of "which" and "it". */
    private static final Pattern JUDGED = Pattern.compile(
            "^" + MARKS + "(?:[,;\u2014\u2013-]*\\s*(?:which|that|this|it|(?:and|but) (?:it|that|this))\\s+)?(?:"
                    + String.join(
                            "|",
                            "(?:is|was|seems?|seemed|looks?|looked|appears?|sounds?|feels?|smells?|answers?|solves?|would|should|must|can|could|may|might|has|had|will)\\b(?:\\W+\\w+){0,4}?\\W+(?:not|never|no|"
                                    + BAD + ")\\b",
                            "(?:is|was|would|should|must|ca|could|has|had|wo|might)n't\\b|cannot\\b",
                            "(?:are|were)(?:n't| not)?\\s+(?:\\w+\\s+)?(?:" + FINE + "(?<=(?:n't|not)\\s.{1,60})|" + BAD
                                    + ")\\b",
                            "(?:are|were)(?:n't| not)\\s+(?:\\w+\\s+)?" + FINE + "\\b",
                            "(?:do|does|did)(?:n't| not)\\s+(?:\\w+\\s+)?" + WORKS + "\\b",
                            "(?:fails?|failed|contradicts?|contradicted|violates?|violated|fell short|falls short|exceeds|divides)\\b")
                    + ")",
            Pattern.DOTALL);

    /** The same with what is counted between the piece and the verb. */
    private static final Pattern JUDGED_COUNT = pattern("^" + MARKS + "(?:\\s*\\p{L}+){1,4}?\\s+(?:"
            + String.join(
                    "|",
                    "(?:is|are|was|were|would be|seems?)(?:n't| not)\\s+(?:be )?(?:really |quite |actually )?" + FINE
                            + "\\b",
                    "(?:is|are|was|were|would be|seems?) (?:clearly |obviously |also |just |far |way )?(?:wrong|incorrect|false|impossible|invalid|too|insufficient|unreasonable|absurd|not enough)\\b",
                    "(?:do|does|did|would|will|can|could)(?:n't| not|not)\\s+(?:be )?(?:" + WORKS + "|" + FINE + ")\\b")
            + ")");

    private static final Pattern BOUNDED_AFTER = pattern(
            "^" + MARKS
                    + "(?:\\s*\\p{L}+){0,2}?[\\s,(\\\\]*(?:\\bor (?:more|less|fewer|so|greater|higher|larger|bigger|smaller|lower|above|below|over|under"
                    + "|older|younger|longer|shorter|better|worse|later|earlier|not|maybe|perhaps|thereabouts|nearly|about|even|beyond|any|another|some|\\p{L}+teen|\\p{L}+ty)\\b"
                    + "|\\band (?:up|above|over|more|below|counting|under|upwards?|beyond)\\b|\\bat (?:the )?(?:least|most|minimum|maximum|best|worst|latest|earliest|outside)\\b"
                    + "|\\bor\\s*\\(?\\d|\\bupwards?\\b|\\bonwards?\\b|\\bgive or take\\b|\\bmore or less\\b"
                    + "|[(\\[:\u2192\u21d2>\u2014\u2013-]\\s*(?:wrong|incorrect|rejected|not|no|false|invalid|impossible|discarded|contradiction)\\b|,\\s*(?:maybe|perhaps|possibly)\\b|\\bprobably not\\b)",
            "^" + MARKS
                    + "(?:\\s*\\p{L}+)?[\\s,(]*(?:max|maximum|minimum|approx\\w*|roughly|plus|maybe|perhaps|possibly|nope|not|no|nah|x|plus or minus)[\\s.!)]*$",
            "^" + MARKS + "[-\u2013]?ish\\b|^\\+(?:\\s|$|[.,])|^\\W*[\u2717\u2718\u274c\u2716]");

    /** What makes the piece a part of another number: 27 squared, 27 and a half, 27 tenths, the 27th. */
    private static final Pattern PART_OF_NUMBER = pattern("^" + MARKS
            + "[,(\\s]*(?:(?:squared|cubed|divided by (?:some|x|y|n|k|it|that|a)\\w*|multiplied by (?:some|x|y|n|k|it|that|a)\\w*|factorial|raised|thirds|fourths|fifths|sixths|sevenths|eighths|ninths|tenths|twelfths|hundredths|thousandths|halves"
            + "|to the (?:power|\\w+th|second|third)|and (?:a|an|one|two|three|four|five|\\w+) (?:half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|eighths?|tenths?|bit)"
            + "|plus (?:some|a|an|x|y|n|k|more)\\w*|(?:more|less|fewer) than (?:x|y|n|k|that|this|it|\\d+)|times (?:as|more|bigger|larger|greater|x|n|y|the|that|what|this|it|itself)"
            + "|(?:percent|per cent|%) of|over (?:x|n|y)|minus (?:some|a|x|n)\\w*)\\b|[-\u2013]?fold\\b)");

    private static final Pattern THE_BEFORE = pattern("\\bthe\\s*$");
    /** A larger unit before the piece, and a smaller one behind it: 2 hours 30 minutes, 5 ft 3 in. */
    private static final Pattern LARGER_UNIT_BEFORE = pattern(
            "\\d\\W*(?:years?|yrs?|months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|min|feet|foot|ft|yards?|yds?|miles?|mi|kg|kilograms?|kilos?|km|kilomet(?:er|re)s?|m|met(?:er|re)s?"
                    + "|cm|pounds?|lbs?|dollars?|euros?|gallons?|quarts?|lit(?:er|re)s?|l|degrees?|\u00b0|tons?|stone|tens|hundreds|dozens?)[\\s$~,.{}\\\\]*(?:and[\\s$]*)?$");

    private static final Pattern SMALLER_UNIT_AFTER = pattern(
            "^[\\s$~\\\\,{}]*(?:months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|min|m|seconds?|secs?|sec|s|feet|foot|ft|inches|inch|ins?|yards?|kg|grams?|g|mg|met(?:er|re)s?|cm"
                    + "|centimet(?:er|re)s?|mm|millimet(?:er|re)s?|ounces?|oz|cents?|pence|quarts?|pints?|cups?|ml|millilit(?:er|re)s?|lbs?|pounds?|units|ones|tens)\\b");

    private static final Pattern WITHDRAWN_AFTER = pattern(
            "\\b(?:unknown|undetermined|unclear|suspicious|random|randomly)\\b|^\\W*,\\s*(?:(?:he|she|they|some|people|bob|\\w+) says?|says? \\w+|according to \\w+)\\W*$|\\b(?:for|get|gain|earn|maximi[sz]e) (?:the|a|my|more) rewards?\\b|\\b(?:is|are) (?:lying|a liar)\\b",
            "\\b(?:contradiction|absurdity|disprov\\w+|refut\\w+|doubtful|questionable|naive|by mistake|in error|mistakenly|erroneously|wrongly)\\b",
            "\\b(?:unless|but|however|though|although|whereas|otherwise|or else|before i|until i|corrected|scratch that|never ?mind|not really|just kidding"
                    + "|no wait|oops|i think not|i guess|i'm not sure|not sure|to be (?:excluded|rejected|avoided))\\b",
            "[,\u2014\u2013-]\\s*wait\\b|^" + MARKS
                    + "\\s*(?:only )?if\\b|\\bwould (?:only |just )?(?:be|work|hold|fit|do)\\b.*\\bif\\b",
            "\\b(?:is|are|was|were) (?:wrong|incorrect)\\b|\\b(?:is|was)(?:n't| not) (?:right|correct|true|possible|valid|it|the)\\b|\\bnot the (?:right |correct |final )?answer\\b");
    /** What takes back in the sentences that follow. */
    private static final Pattern TAKEN_BACK = pattern(
            "(?:^|[.!?\u2014\n(])\\W*(?:no|nope|not|wait|oops|hmm+|hm|actually|sorry|correction|scratch|rather|edit|ugh|argh|false|wrong|incorrect|nah|failed|fails|but|however|except"
                    + "|unless|or|maybe|perhaps|instead|strike|ignore|disregard|forget|never ?mind|on second thought|i mean|let me (?:re|try|check|think|double|verify|see)"
                    + "|let's (?:re|try|check|double))\\b(?!\\W+(?:doubt|problem|need|further|more|other)\\b)",
            "\\b(?:wrong|incorrect|mistaken|mistake|contradict\\w*|impossible|kidding|nonsense|withdraw\\w*|retract\\w*|reject\\w*|disregard|never ?mind|scratch that|start over"
                    + "|give up|not sure|unsure|recheck|reconsider|untrue)\\b",
            "\\b(?:i|we) (?:can't|cannot|could not|couldn't|am unable to|failed to|don't know how to)\\b",
            "\\b(?:that|this|it|which|(?:the|my) (?:answer|value|number))\\s+(?:\\w+\\s+)?(?:is|was|does|did|do|would|will|has|could|should|must|can)(?:n't|not| not| never)\\b",
            "(?:^|[.!?])\\W*(?:but |and )?\\w+ (?:lies|lied|is lying|is a liar)\\W*(?:$|[.!])|\\b(?:that|this|it|which)(?:'s| is| was| seems) (?:not|too|false)\\b|\\b(?:that|this|it) can't\\b|\\bfalse\\b");

    private static final Pattern ABBREVIATED =
            Pattern.compile("(?:^|[^a-zA-Z])(?:approx|ca|no|nr|e\\.g|i\\.e|vs|rs|resp|cf)$", Pattern.CASE_INSENSITIVE);
    private static final String QUESTIONS = "?\uff1f\u061f";

    private static final Pattern DENIED_BOX_BEFORE = pattern(
            "(?:\\bnot|n't|\\bcannot|\\bnever|\\bneither|\\bnor)(?:\\s+(?:be|equal|equal to|the answer|the number|to))?[\\s$*:\\\\(\\[]*$",
            "\\b(?:wrong|incorrect|false) (?:answer|value|result)(?:\\s+(?:is|would be))?[\\s$*:\\\\(\\[]*$",
            "(?:not|n't) (?:think|believe) [^.]{0,40}$",
            "\\b(?:if|unless) (?:it|x|n|that|this|the \\w+) (?:were|was|had been|had)\\b[^.;:]{0,40}$");
    private static final Pattern TAKEN_BACK_BOX = pattern(
            "^" + MARKS
                    + "(?:squared\\b|cubed\\b|would(?:n't| not)? (?:only |just |then |also )?(?:be|have been) (?:the|a|an|my|our|right|correct|true)\\b|(?:is|was|are|were|seems|would be|must be) (?:wrong|incorrect|false|impossible|invalid|a mistake|not (?:right|correct|the answer|the right"
                    + "|the correct|possible|valid|it|true|a solution))|(?:isn|wasn)'t (?:right|correct|the|possible|valid|it|true)|does(?:n't| not) (?:work|satisfy|fit|hold"
                    + "|make sense|match)|did(?:n't| not) work|cannot be|can't be|fails\\b|\\(?(?:wrong|incorrect|not)\\)?[.!\\s]*$|or (?:more|less|fewer|not|maybe|\\d))",
            "(?:^|[.!?,\n\u2014-])\\W*(?:no,|wait,? (?:that|this|it)|oops|scratch that|never ?mind|just kidding|(?:but |actually,? |wait,? |hmm,? )*(?:that|this|it|which|my answer"
                    + "|the answer above)(?:'s| is| was| seems| must be)? (?:wrong|incorrect|false|not (?:right|correct|true|the answer|valid|possible)|impossible|a mistake)"
                    + "|(?:that|this|it) (?:does(?:n't| not)|did(?:n't| not)) work)");

    private Assertion() {}

    private static Pattern pattern(String... alternatives) {
        return Pattern.compile(String.join("|", alternatives));
    }

    /** Whether a number is passed over because the words directly before it deny it: "not 7", "instead of 7". */
    static boolean isDenied(String text, int start) {
        int i = start;
        while (i > 0 && " $*(".indexOf(text.charAt(i - 1)) >= 0) {
            i--;
        }
        if (i > 2 && (text.charAt(i - 1) == '=' || text.charAt(i - 1) == '>') && isUnequal(text, i)) {
            return true;
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

    /** Whether a text ends in a program's sign for unequal; the mark of 5!=120 may be that of a factorial. */
    private static boolean isUnequal(String text, int end) {
        return text.startsWith("<>", end - 2)
                || text.startsWith("/=", end - 2)
                || text.startsWith("!=", end - 2) && Character.isWhitespace(text.charAt(end - 3));
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
        if (endsAsQuestion(text, end, to)) {
            return false;
        }
        String before = AFFIRMED.matcher(plain(text.substring(from, start))).replaceAll("");
        String after = plain(text.substring(end, to));
        String clause = clause(before);
        boolean doubted = DOUBTED.matcher(conclusion(before)).find()
                && !CORRECTED.matcher(clause).find();
        if (doubted
                || ForeignDoubt.isIn(before, after)
                || SUPPOSED.matcher(clause).find()
                || DENIED.matcher(clause).find()
                || BOUNDED.matcher(clause).find()
                || NUMBERED.matcher(clause).find()
                || alone && OPERAND_BEFORE.matcher(clause).find()) {
            return false;
        }
        boolean whole = text.substring(start, end).indexOf('.') < 0;
        if (whole && APPROXIMATE.matcher(clause).find()) {
            return false;
        }
        if (JUDGED.matcher(after).find()
                || JUDGED_COUNT.matcher(after).find()
                || BOUNDED_AFTER.matcher(after).find()
                || PART_OF_NUMBER.matcher(after).find()
                || alone && isLesserPart(before, after)
                || after.startsWith("th") && THE_BEFORE.matcher(clause).find()
                || alone && OPERAND_AFTER.matcher(after).find()
                || WITHDRAWN_AFTER.matcher(after).find()) {
            return false;
        }
        return !TAKEN_BACK
                .matcher(plain(text.substring(to, Math.min(text.length(), to + REACH))))
                .find();
    }

    /** Whether a quantity of two units ends in the piece. */
    static boolean isLesserPart(String before, String after) {
        return SMALLER_UNIT_AFTER.matcher(after).find()
                && LARGER_UNIT_BEFORE.matcher(before).find();
    }

    /** In lower case, with one kind of apostrophe, without the commands that set words in a formula. */
    private static String plain(String text) {
        String lower = text.toLowerCase(Locale.ROOT).replace('\u2019', '\'');
        return lower.indexOf("\\text") >= 0 || lower.indexOf("\\mbox") >= 0 ? TextAnswer.unwrapped(lower) : lower;
    }

    /** Whether a box is the answer, and not denied beside it nor taken back behind it. */
    static boolean holdsBox(String text, int start, int end) {
        String before = plain(text.substring(Math.max(0, start - 60), start));
        String after = plain(text.substring(end, Math.min(text.length(), end + REACH)));
        return !DENIED_BOX_BEFORE
                        .matcher(before.substring(before.lastIndexOf('\n') + 1))
                        .find()
                && !TAKEN_BACK_BOX.matcher(after).find();
    }

    /** What stands before a piece behind a semicolon or a word that begins a conclusion. */
    private static String conclusion(String before) {
        int from = before.lastIndexOf(';') + 1;
        for (String word : CONCLUSIONS) {
            int at = before.lastIndexOf(word);
            from = Math.max(from, at < 0 ? 0 : at + word.length());
        }
        return before.substring(from);
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
        return conclusion(before.substring(from));
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
        if (c == '.'
                && ABBREVIATED.matcher(text).region(Math.max(0, at - 8), at).find()) {
            return false;
        }
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
