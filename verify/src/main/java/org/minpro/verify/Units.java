package org.minpro.verify;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Units of measure by name, with exact factors, and the words that people count. */
final class Units {
    private Units() {}

    /**
     * A unit as a product of powers of base dimensions with a factor, or words that are not in the table.
     *
     * @param factor what one unit is in base units; one for words
     * @param dimension canonical name of the dimension, or the words
     * @param known whether the table knows it
     */
    record Unit(Rational factor, String dimension, boolean known) {}

    private record Base(Rational factor, String dimension) {}

    private static final Map<String, Base> TABLE = new HashMap<>();

    private static final Pattern EXPONENT = Pattern.compile("([^^]+)\\^(-?)([123])");

    private static final Set<String> FILLERS = Set.of(
            "of",
            "the",
            "a",
            "an",
            "per",
            "total",
            "in",
            "about",
            "approximately",
            "only",
            "more",
            "other",
            "different",
            "distinct",
            "possible");

    private static final Set<String> QUALIFIERS = Set.of(
            "or",
            "nor",
            "not",
            "no",
            "is",
            "isn",
            "wrong",
            "incorrect",
            "false",
            "maybe",
            "perhaps",
            "possibly",
            "either",
            "neither",
            "unless",
            "if",
            "than",
            "least",
            "most",
            "but",
            "instead",
            "except",
            "else",
            "otherwise",
            "versus",
            "vs");

    static {
        put("length", Rational.ONE, "m", "meter", "meters", "metre", "metres");
        put("length", Rational.of(1, 100), "cm", "centimeter", "centimeters", "centimetre", "centimetres");
        put("length", Rational.of(1, 1000), "mm", "millimeter", "millimeters");
        put("length", Rational.of(1000), "km", "kilometer", "kilometers", "kilometre", "kilometres");
        put("length", Rational.of(254, 10000), "in", "inch", "inches");
        put("length", Rational.of(3048, 10000), "ft", "foot", "feet");
        put("length", Rational.of(9144, 10000), "yd", "yard", "yards");
        put("length", Rational.of(1609344, 1000), "mi", "mile", "miles");
        put("mass", Rational.ONE, "g", "gram", "grams");
        put("mass", Rational.of(1000), "kg", "kilogram", "kilograms");
        put("mass", Rational.of(1, 1000), "mg", "milligram", "milligrams");
        put("mass", Rational.of(45359237, 100000), "lb", "lbs", "pound", "pounds");
        put("mass", Rational.of(45359237, 1600000), "oz", "ounce", "ounces");
        put("time", Rational.ONE, "s", "sec", "secs", "second", "seconds");
        put("time", Rational.of(60), "min", "mins", "minute", "minutes");
        put("time", Rational.of(3600), "h", "hr", "hrs", "hour", "hours");
        put("time", Rational.of(86400), "day", "days");
        put("time", Rational.of(604800), "week", "weeks");
        put("money", Rational.ONE, "dollar", "dollars", "usd", "$", "bucks");
        put("money", Rational.of(1, 100), "cent", "cents");
        put("euro", Rational.ONE, "euro", "euros", "eur");
        put("sterling", Rational.ONE, "pound sterling", "pounds sterling", "gbp");
        put("volume", Rational.ONE, "l", "liter", "liters", "litre", "litres");
        put("volume", Rational.of(1, 1000), "ml", "milliliter", "milliliters");
        put("volume", Rational.of(3785411784L, 1000000000L), "gallon", "gallons", "gal");
        put("year", Rational.ONE, "year", "years", "yr", "yrs");
        put("month", Rational.ONE, "month", "months");
        put("angle", Rational.ONE, "degree", "degrees", "deg");
        put("area", Rational.ONE, "acre", "acres");
        put("speed", Rational.of(1609344, 3600000), "mph");
        put("speed", Rational.of(1000, 3600), "kph", "kmh");
        put("force", Rational.ONE, "n", "newton", "newtons");
        put("energy", Rational.ONE, "j", "joule", "joules");
        put("power", Rational.ONE, "w", "watt", "watts");
        put("", Rational.ONE, "unit", "units", "u", "sq units", "linear units");
    }

    private static void put(String dimension, Rational factor, String... names) {
        for (String name : names) {
            TABLE.put(name, new Base(factor, dimension));
        }
    }

    /** Whether a run of up to three plain letters is a unit or a common word rather than a product of variables. */
    static boolean isWord(String run) {
        if (run.length() == 3 && run.equals(run.toUpperCase(Locale.ROOT)) && !run.equals("USD")) {
            return false; // ABC is a triangle
        }
        return switch (run.length() == 3 ? run.toLowerCase(Locale.ROOT) : run) {
            case "cm",
                    "mm",
                    "km",
                    "kg",
                    "mg",
                    "ft",
                    "mi",
                    "hr",
                    "ml",
                    "lb",
                    "oz",
                    "yd",
                    "yr",
                    "sq",
                    "is",
                    "it",
                    "of",
                    "to",
                    "in",
                    "on",
                    "so",
                    "if",
                    "we",
                    "by",
                    "at",
                    "an",
                    "no",
                    "No",
                    "It",
                    "An",
                    "We",
                    "If",
                    "So" -> true;
            case "pct",
                    "lbs",
                    "sec",
                    "min",
                    "day",
                    "mph",
                    "hrs",
                    "yrs",
                    "usd",
                    "deg",
                    "kph",
                    "gal",
                    "kmh",
                    "the",
                    "are",
                    "not",
                    "for",
                    "all",
                    "any",
                    "odd",
                    "yes",
                    "cup",
                    "egg",
                    "pen",
                    "box",
                    "car",
                    "dog",
                    "cat",
                    "men",
                    "man",
                    "way",
                    "red",
                    "may",
                    "dan",
                    "bob",
                    "amy",
                    "joe",
                    "tom",
                    "ann",
                    "per",
                    "one",
                    "two",
                    "six",
                    "ten",
                    "bus",
                    "toy",
                    "pie",
                    "hat",
                    "her",
                    "she",
                    "his",
                    "has",
                    "had",
                    "was",
                    "sam",
                    "ben",
                    "jim",
                    "tim",
                    "max",
                    "let",
                    "set",
                    "you",
                    "can",
                    "its",
                    "bag",
                    "old",
                    "new",
                    "pig",
                    "cow",
                    "hen",
                    "ant",
                    "bee",
                    "end",
                    "get",
                    "out" -> true;
            default -> false;
        };
    }

    /** Whether words behind a number say something about it, or name another answer, rather than what is counted. */
    static boolean qualifies(String words) {
        for (String word : words.split("[^a-z0-9]+")) {
            if (QUALIFIERS.contains(word)
                    || NumberWords.read(word) != null
                    || !word.isEmpty() && Character.isDigit(word.charAt(0))) {
                return true;
            }
        }
        return false;
    }

    /** The unit that a phrase such as {@code square inches}, {@code cm^2} or {@code km/h} names. */
    static Unit parse(String phrase) {
        String words = phrase.toLowerCase(Locale.ROOT)
                .replace("{", "")
                .replace("}", "")
                .replace("\\", " ")
                .replace("sq.", "square")
                .replace("p.m", "pm")
                .replace("a.m", "am")
                .replace(".", " ")
                .replace(" per ", "/")
                .strip();
        Unit compound = compound(words);
        if (compound != null) {
            return compound;
        }
        List<String> kept = new ArrayList<>();
        for (String word : words.split("[^a-z0-9$]+")) {
            if (!word.isEmpty() && !FILLERS.contains(word)) {
                kept.add(singular(word));
            }
        }
        return new Unit(Rational.ONE, String.join(" ", kept), false);
    }

    private static @org.jspecify.annotations.Nullable Unit compound(String words) {
        String[] sides = words.split("/");
        if (sides.length > 2) {
            return null;
        }
        Rational factor = Rational.ONE;
        TreeMap<String, Integer> powers = new TreeMap<>();
        for (int side = 0; side < sides.length; side++) {
            int sign = side == 0 ? 1 : -1;
            int pending = 1;
            for (String word : sides[side].strip().split("[\\s*]+")) {
                if (word.equals("square") || word.equals("sq") || word.equals("cubic") || word.equals("cu")) {
                    pending = word.charAt(0) == 's' ? 2 : 3;
                    continue;
                }
                if (word.equals("squared") || word.equals("cubed")) {
                    return null;
                }
                int power = pending;
                pending = 1;
                String name = word;
                int inverse = sign;
                Matcher exponent = EXPONENT.matcher(word);
                if (exponent.matches()) {
                    name = exponent.group(1);
                    inverse = exponent.group(2).isEmpty() ? sign : -sign;
                    power = exponent.group(3).charAt(0) - '0';
                }
                Base base = TABLE.get(name);
                if (base == null) {
                    return null;
                }
                for (int i = 0; i < power; i++) {
                    factor = inverse > 0 ? factor.times(base.factor()) : factor.dividedBy(base.factor());
                }
                if (!base.dimension().isEmpty()) {
                    powers.merge(base.dimension(), inverse * power, Integer::sum);
                }
            }
        }
        powers.values().removeIf(power -> power == 0);
        // A speed has a name of its own.
        if (powers.size() == 2 && powers.getOrDefault("length", 0) == 1 && powers.getOrDefault("time", 0) == -1) {
            return new Unit(factor, "{speed=1}", true);
        }
        return new Unit(factor, powers.toString(), true);
    }

    private static String singular(String word) {
        if (word.length() > 4 && word.endsWith("ies")) {
            return word.substring(0, word.length() - 3) + "y";
        }
        if (word.length() > 3 && word.endsWith("s") && !word.endsWith("ss")) {
            return word.substring(0, word.length() - 1);
        }
        return word;
    }
}
