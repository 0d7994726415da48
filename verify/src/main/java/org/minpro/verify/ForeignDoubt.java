package org.minpro.verify;

import java.util.regex.Pattern;

/**
 * Words of other languages than English with which a sentence denies, bounds, supposes, estimates or takes back a number.
 * Wherever one stands in the sentence, the number is not taken as the answer.
 */
final class ForeignDoubt {
    /** Words that are no English ones. */
    private static final String[] WORDS = {
        // Spanish
        "no (?:es|son|puede|era|sea|será|vale|funciona|más|menos|igual)|nunca|tampoco|más de|menos de|al menos|por lo menos",
        "a lo sumo|como (?:máximo|mínimo|mucho)|mayor(?:es)? (?:que|o igual)|menor(?:es)? (?:que|o igual)|quizás?|tal vez",
        "aproximadamente|alrededor de|incorrect[oa]|fals[oa]|o más|o menos|equivocad[oa]|superior a|inferior a|pero",
        // Portuguese
        "não|mais (?:de|do|que)|pelo menos|no (?:máximo|mínimo)|talvez|cerca de|errad[oa]|ou mais|ou menos|quase",
        "maior (?:que|do que|ou igual)|menor (?:que|do que|ou igual)",
        // Italian
        "più di|meno di|almeno|al massimo|al minimo|forse|sbagliat[oa]|maggiore|minore|o più|o meno|quasi",
        // French
        "plus (?:de|grand|petit|ou moins|que)|moins (?:de|que)|au (?:moins|plus|maximum|minimum)|peut-être|supérieure?|inférieure?",
        "faux|fausse|presque|ou plus|ou moins|jamais|erreur|n['’](?:est|était)|mais pas",
        // German
        "nicht|keine?|niemals|mindestens|höchstens|mehr als|weniger als|größer|kleiner|ungefähr|etwa|wenn|vielleicht",
        "zwischen|weder|oder (?:mehr|weniger)|knapp|falsche?|ausgeschlossen|aber",
        // Dutch, Swedish, Polish, Turkish
        "niet|geen|minstens|hoogstens|meer dan|minder dan|ongeveer|misschien|inte|minst|högst|mer än|mindre än|ungefär",
        "co najmniej|co najwyżej|więcej niż|mniej niż|około|nie jest|değil|en az|en fazla|yaklaşık",
        // Vietnamese, Indonesian
        "không|ít nhất|nhiều nhất|khoảng|bukan|tidak|lebih dari|kurang dari|sekitar|mungkin",
        // Russian
        "не|нет|ни|больше|меньше|более|менее|минимум|максимум|по крайней|около|примерно|приблизительно|если|неверно",
        // Danish, Norwegian, Finnish, Hungarian, Czech, Romanian, Serbo-Croatian, Greek, Hebrew
        "ikke|ikkje|mindst|højst|minst|høyst|omtrent|cirka|kanskje|måske|nej|nei|eivät|ei|vähintään|enintään|noin|ehkä|nem|nincs|legalább|legfeljebb|körülbelül|talán|není|nejsou"
                + "|nejméně|nejvýše|přibližně|możliwe|nie|nije|nisu|najmanje|najviše|otprilike|nu (?:este|e|sunt)|cel puțin|cel mult|aproximativ|khác|hơn|nee",
        "όχι|δεν|μη|τουλάχιστον|περίπου|ίσως|λάθος|το πολύ|לא|אינו|אינה|אין|לפחות|לכל היותר|בערך|אולי|שגוי|טעות|ніколи|не є|можливо|близько",
        "неправильно|возможно|почти|может быть|от|но|неверный|ошибка|ошибочно"
    };

    /** Words that English has too, with another meaning; they count where the sentence is not English. */
    private static final String AMBIGUOUS =
            "no|si|casi|entre|ni|non|circa|pas|environ|falls|fast|maximal|minimal|rund|nie|si|als|fout|fel|o|ou|minst|ne|nu|hindi|nej|nah";

    /** Parts of scripts that do not set words apart, or that join endings to them. */
    private static final String[] PARTS = {
        // Arabic, Hindi, Thai
        "ليس|لا |على الأقل|على الأكثر|أكثر من|أقل من|تقريب|حوالي|إذا|خطأ|أو |नहीं|कम से कम|अधिक|लगभग|ไม่|อย่างน้อย|ประมาณ|มากกว่า|น้อยกว่า",
        // Chinese
        "不是|不等|不可|不能|不会|不對|不对|不正|不成|不大|不小|不少|不多|不超|不足|不满|不行|并非|並非|绝非|而非|至少|至多|最多|最少|大于|小于|大於|小於",
        "超过|超過|少于|多于|大约|大約|约|約|左右|以上|以下|以内|未满|错|錯|误|如果|假设|假如|若|或|介于|之间|接近|可能|也许|但|没有|不应|到\\s*$|至\\s*$|差不多|将近|几乎",
        // Japanese
        "ではな|じゃな|ありません|より大|より小|より多|より少|超え|未満|間違|もし|少なくとも|多くとも|かもしれ|くらい|ほぼ|しかし|ない|から\\s*$",
        // Korean
        "아니|아닙|이상|이하|미만|초과|최소|최대|적어도|만약|아마|틀|약 |하지만|보다 크|보다 작|대략|정도"
    };

    private static final Pattern IN_WORDS = words(String.join("|", WORDS));
    private static final Pattern IN_PARTS = Pattern.compile(String.join("|", PARTS));
    private static final Pattern NOT_IN_ENGLISH = words(AMBIGUOUS);
    private static final Pattern ENGLISH = words(
            "the|is|are|of|and|this|that|he|she|it|they|there|we|i|have|has|had|was|so|answer|to|than|x|y|n|with|not|your|my");

    private ForeignDoubt() {}

    private static Pattern words(String alternatives) {
        return Pattern.compile("(?<!\\p{L})(?:" + alternatives + ")(?!\\p{L})");
    }

    /** Whether what stands before or behind a piece in its sentence, in lower case, holds such a word. */
    static boolean isIn(String before, String after) {
        if (IN_WORDS.matcher(before).find()
                || IN_WORDS.matcher(after).find()
                || hasOtherScript(before) && IN_PARTS.matcher(before).find()
                || hasOtherScript(after) && IN_PARTS.matcher(after).find()) {
            return true;
        }
        return !ENGLISH.matcher(before).find()
                && !ENGLISH.matcher(after).find()
                && (NOT_IN_ENGLISH.matcher(before).find()
                        || NOT_IN_ENGLISH.matcher(after).find());
    }

    private static boolean hasOtherScript(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= '\u0590') {
                return true;
            }
        }
        return false;
    }
}
