package org.minpro.verify;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Parses an answer in LaTeX or plain text by recursive descent.
 *
 * <pre>
 * list      = statement { ("," | ";" | "and" | "or") statement }
 * statement = set { relation set }            relation: = &lt; &gt; \le \ge \ne \in \approx
 * set       = sum { (\cup | \cap | \setminus) sum }
 * sum       = [sign] product { sign product } sign: + - \pm \mp
 * product   = power { [* / \cdot \times \div] power } [unit]
 * power     = atom { ! % ' _ } [^ exponent]
 * </pre>
 */
final class Parser {
    private static final Set<String> FUNCTIONS = Set.of(
            "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "ln", "log",
            "lg", "exp");
    private static final Set<String> LISTED_FUNCTIONS =
            Set.of("abs", "floor", "ceil", "gcd", "lcm", "binomial", "min", "max");
    private static final Set<String> SYMBOLS = Set.of(
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "rho",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
            "Gamma",
            "Delta",
            "Theta",
            "Lambda",
            "Xi",
            "Sigma",
            "Phi",
            "Psi",
            "Omega",
            "ell",
            "hbar",
            "angle",
            "triangle",
            "odot",
            "mho",
            "mathcal{N}");
    private static final Set<String> DECORATIONS =
            Set.of("overline", "vec", "hat", "bar", "dot", "ddot", "tilde", "underline", "widehat", "overrightarrow");
    private static final Set<String> FACTOR_COMMANDS =
            Set.of("frac", "sqrt", "binom", "pi", "infty", "lfloor", "lceil", "emptyset", "mathbb{R}");
    /** Several choices in one word, in order. */
    private static final Pattern CHOICES = Pattern.compile("(?=[A-J]{2})A?B?C?D?E?F?G?H?I?J?");

    private static final Set<String> MONEY_BEHIND = Set.of("dollar", "euro", "yen", "rupee", "won", "ruble");
    private static final Pattern PERCENT =
            Pattern.compile("(?:per ?cents?|pct\\.?|p\\. ?c\\.|proc?ent|prozent)(?: .*)?");
    private final List<Token> tokens;
    private final Budget budget;
    private final Reading reading;
    private int at;
    private int depth;
    private int nodes;
    private int openBars;
    private boolean sawTightProduct;
    private boolean sawLog;

    private Parser(List<Token> tokens, Reading reading, Budget budget) {
        this.tokens = tokens;
        this.reading = reading;
        this.budget = budget;
    }

    /**
     * A parse with what in its notation has a second reading.
     *
     * @param node what was parsed
     * @param second the second reading, or null
     */
    record Parsed(Node node, @Nullable Reading second) {}

    /** Parses a whole answer, or refuses. */
    static Parsed parse(String text, Reading reading, Budget budget) {
        Lexer lexer = new Lexer(text, reading, budget);
        List<Token> tokens = lexer.tokens();
        if (tokens.size() == 1) {
            throw Refusal.malformed();
        }
        if (tokens.get(0).isSign("]") || tokens.get(tokens.size() - 2).isSign("[")) {
            throw Refusal.unknown(); // ]0, 1[ is an open interval in some countries
        }
        Parser parser = new Parser(tokens, reading, budget);
        Node node = parser.words();
        if (node == null) {
            try {
                node = parser.list();
                if (parser.peek().isCommand("over")) {
                    parser.take();
                    node = parser.made(new Node.Quotient(node, parser.sum()));
                }
                if (parser.peek().type() != Token.Type.END) {
                    throw Refusal.malformed();
                }
            } catch (Refusal refusal) {
                if (refusal.reason() == Reason.LIMIT || !TextAnswer.isProse(tokens)) {
                    throw refusal;
                }
                node = TextAnswer.node(TextAnswer.words(text));
            }
        }
        Reading second = null;
        if (lexer.sawThousands()
                || parser.sawLog
                || parser.sawTightProduct
                || lexer.sawLetterUnits()
                || lexer.sawDecimalComma()) {
            second = new Reading(
                    !lexer.sawThousands(),
                    parser.sawLog,
                    parser.sawTightProduct,
                    lexer.sawLetterUnits(),
                    lexer.sawDecimalComma());
        }
        return new Parsed(node, reading.equals(Reading.USUAL) ? second : null);
    }

    /** An answer that starts with words: a name, a choice, a number word; null where it may be mathematics. */
    private @Nullable Node words() {
        Token first = peek();
        if (first.type() == Token.Type.TEXT) {
            Token next = tokens.get(1);
            if (next.isSign("_")
                    || next.isSign("=")
                    || isLetterChoice(first.text())
                    || CHOICES.matcher(first.text()).matches()) {
                return letterChoices(first.text(), next);
            }
        } else if (first.type() != Token.Type.WORD || isName(first.text())) {
            return null;
        }
        if (tokens.get(1).isSign("=")) {
            return null;
        }
        StringBuilder words = new StringBuilder();
        for (Token token : tokens.subList(0, Math.min(tokens.size() - 1, 16))) {
            words.append(token.text()).append(' ');
        }
        Rational number = tokens.size() > 16 ? null : NumberWords.read(words.toString());
        return number == null ? null : Node.Numeral.of(number);
    }

    /** Letters A, B, … set as text: one choice, or several. */
    private @Nullable Node letterChoices(String text, Token next) {
        if (next.type() == Token.Type.END && CHOICES.matcher(text).matches()) {
            List<Node> letters = new ArrayList<>();
            for (String letter : text.split("")) {
                letters.add(new Node.Symbol(letter));
            }
            return text.length() <= 3 ? new Node.Product(letters) : new Node.Symbol(text); // as without \\text
        }
        if (next.type() != Token.Type.END || !isLetterChoice(text)) {
            return null;
        }
        List<Node> choices = new ArrayList<>();
        for (String part : text.split(",")) {
            choices.add(new Node.Symbol(part.replace("(", "").replace(")", "").strip()));
        }
        return choices.size() == 1 ? choices.get(0) : new Node.ListOf(choices, ",");
    }

    private static boolean isLetterChoice(String text) {
        for (String part : text.split(",", -1)) {
            String letter = part.strip();
            if (letter.length() == 3 && letter.charAt(0) == '(' && letter.charAt(2) == ')') {
                letter = letter.substring(1, 2);
            }
            if (letter.length() != 1 || !Character.isUpperCase(letter.charAt(0))) {
                return false;
            }
        }
        return true;
    }

    /** A name such as SRAC that stands for a variable. */
    private static boolean isName(String word) {
        return word.length() <= 6
                && Character.isUpperCase(word.charAt(0))
                && word.equals(word.toUpperCase(Locale.ROOT));
    }

    private Token peek() {
        return tokens.get(at);
    }

    private Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    private Token take() {
        budget.step();
        Token token = tokens.get(at);
        if (token.type() != Token.Type.END) {
            at++;
        }
        return token;
    }

    private boolean takeSign(String sign) {
        if (peek().isSign(sign)) {
            take();
            return true;
        }
        return false;
    }

    private void expectSign(String sign) {
        if (!takeSign(sign)) {
            throw Refusal.malformed();
        }
    }

    private <T extends Node> T made(T node) {
        if (++nodes > budget.limits().nodes()) {
            throw Refusal.limit();
        }
        return node;
    }

    private void enter() {
        if (++depth > budget.limits().depth()) {
            throw Refusal.limit();
        }
    }

    private Node list() {
        List<Node> items = new ArrayList<>();
        items.add(statement());
        String joiner = ",";
        while (true) {
            int before = at;
            if (!takeSeparator()) {
                break;
            }
            Token last = tokens.get(at - 1);
            if (last.type() == Token.Type.COMMAND && at > before) {
                joiner = last.text();
            }
            items.add(statement());
        }
        return items.size() == 1 ? items.get(0) : made(new Node.ListOf(items, joiner));
    }

    private boolean takeSeparator() {
        boolean any = false;
        if (peek().isSign(",") || peek().isSign(";")) {
            take();
            any = true;
        }
        if (peek().isCommand("and") || peek().isCommand("or")) {
            take();
            any = true;
        }
        return any;
    }

    private Node statement() {
        enter();
        if (peek().isSign("=") || peek().isCommand("approx")) {
            take();
        }
        if (peek().isSign("<") || peek().isSign(">") || peek().isCommand("le") || peek().isCommand("ge")) {
            throw Refusal.unknown(); // > 5 quotes 5 or says more than 5
        }
        List<Node> sides = new ArrayList<>();
        List<String> operators = new ArrayList<>();
        sides.add(side());
        String operator = relation();
        while (operator != null) {
            operators.add(operator);
            sides.add(side());
            operator = relation();
        }
        depth--;
        return operators.isEmpty() ? sides.get(0) : made(new Node.Relation(sides, operators));
    }

    private @Nullable String relation() {
        Token token = peek();
        String operator = null;
        if (token.isSign("=") || token.isSign("<") || token.isSign(">")) {
            operator = token.text();
        } else if (token.type() == Token.Type.COMMAND) {
            operator = switch (token.text()) {
                case "le" -> "<=";
                case "ge" -> ">=";
                case "ne" -> "!=";
                case "in" -> "in";
                case "approx" -> "~";
                case "equiv" -> "=";
                default -> null;
            };
        }
        if (operator != null) {
            take();
        }
        return operator;
    }

    private Node side() {
        Node label = label();
        if (label != null) {
            return label;
        }
        Node left = sum();
        while (true) {
            Token token = peek();
            if (token.isCommand("cup") || token.isCommand("cap") || token.isCommand("setminus")) {
                String operator = take().text();
                left = made(new Node.SetOperation(operator, left, sum()));
            } else if (left instanceof Node.Group && token.is(Token.Type.LETTER, "U")) {
                take();
                left = made(new Node.SetOperation("cup", left, sum()));
            } else {
                break;
            }
        }
        if (peek().isSign(":")) {
            List<Node> parts = new ArrayList<>(List.of(left));
            while (takeSign(":")) {
                parts.add(sum());
            }
            return made(new Node.Ratio(parts));
        }
        if (peek().isCommand("pmod") || peek().isCommand("bmod") || peek().isCommand("mod")) {
            take();
            return made(new Node.Congruence(left, sum()));
        }
        if (peek().isSign("(") && peek(1).isCommand("mod")) {
            take();
            take();
            Node modulus = sum();
            expectSign(")");
            return made(new Node.Congruence(left, modulus));
        }
        return left;
    }

    /** The name before an equals sign where it is words, or a function with its variables such as {@code f(x)}. */
    private @Nullable Node label() {
        Token first = peek();
        if ((first.type() == Token.Type.TEXT || first.type() == Token.Type.WORD)
                && (peek(1).isSign("=") || peek(1).isSign(":"))) {
            if (NumberWords.read(first.text()) != null) {
                return null;
            }
            take();
            return made(new Node.Symbol(first.text().toLowerCase(Locale.ROOT)));
        }
        if (first.type() == Token.Type.LETTER && peek(1).isSign("(")) {
            StringBuilder name = new StringBuilder(first.text()).append('(');
            for (int ahead = 2; ahead < 12; ahead++) {
                Token token = peek(ahead);
                if (token.isSign(")")) {
                    if (!peek(ahead + 1).isSign("=") || ahead == 2) {
                        return null;
                    }
                    at += ahead + 1;
                    return made(new Node.Symbol(name.append(')').toString()));
                }
                if (token.type() != Token.Type.LETTER && token.type() != Token.Type.NUMBER && !token.isSign(",")) {
                    return null;
                }
                name.append(token.text());
            }
        }
        return null;
    }

    private Node sum() {
        enter();
        List<Node> terms = new ArrayList<>();
        boolean first = true;
        while (true) {
            Token token = peek();
            String sign;
            if (token.isSign("+") || token.isSign("-")) {
                sign = take().text();
            } else if (token.isCommand("pm") || token.isCommand("mp")) {
                sign = take().text();
            } else if (first) {
                sign = "+";
            } else {
                break;
            }
            first = false;
            Node product = product();
            terms.add(
                    switch (sign) {
                        case "-" -> made(new Node.Negation(product));
                        case "pm" -> made(new Node.PlusMinus(product, true));
                        case "mp" -> made(new Node.PlusMinus(product, false));
                        default -> product;
                    });
        }
        depth--;
        Node node = terms.size() == 1 ? terms.get(0) : made(new Node.Sum(terms));
        return hoistUnit(node, terms);
    }

    /** A unit after a sum belongs to the whole sum: 480 + 480√3 feet. A signed quantity is a quantity. */
    private Node hoistUnit(Node node, List<Node> terms) {
        Node last = terms.get(terms.size() - 1);
        Node inner = last instanceof Node.Negation negation ? negation.node() : last;
        if (!(inner instanceof Node.Quantity quantity)) {
            return node;
        }
        List<Node> bare = new ArrayList<>();
        for (Node term : terms) {
            Node unsigned = term instanceof Node.Negation negation ? negation.node() : term;
            if (unsigned instanceof Node.Quantity other) {
                if (!other.unit().equals(quantity.unit())) {
                    throw Refusal.unknown();
                }
                unsigned = other.node();
            }
            bare.add(term instanceof Node.Negation ? made(new Node.Negation(unsigned)) : unsigned);
        }
        Node whole = bare.size() == 1 ? bare.get(0) : made(new Node.Sum(bare));
        return made(new Node.Quantity(whole, quantity.unit()));
    }

    private Node product() {
        Node left = power();
        List<Node> factors = new ArrayList<>(List.of(left));
        while (true) {
            Token token = peek();
            if (token.isSign("*") || token.isCommand("cdot") || token.isCommand("times")) {
                take();
                factors.add(signedPower());
            } else if (token.isSign("/") || token.isCommand("div")) {
                if (isUnitAfterSlash()) {
                    break;
                }
                take();
                Node numerator = product(factors);
                Node denominator = signedPower();
                while (startsFactor(peek(), tokens.get(at - 1)) && !peek().spaced()) {
                    sawTightProduct = true;
                    if (!reading.tightProduct()) {
                        break;
                    }
                    denominator = made(new Node.Product(List.of(denominator, power())));
                }
                factors = new ArrayList<>(List.of(made(new Node.Quotient(numerator, denominator))));
            } else if (endsInStructure(factors) && token.is(Token.Type.LETTER, "U")) {
                break;
            } else if (startsFactor(token, tokens.get(at - 1))) {
                if (token.type() == Token.Type.NUMBER) {
                    Token before = tokens.get(at - 1);
                    if (before.type() == Token.Type.NUMBER || before.type() == Token.Type.LETTER && !token.spaced()) {
                        throw Refusal.malformed();
                    }
                }
                factors.add(power());
            } else {
                break;
            }
        }
        Node result = product(factors);
        return isUnit(peek()) ? unit(result) : result;
    }

    private Node product(List<Node> factors) {
        return factors.size() == 1 ? factors.get(0) : made(new Node.Product(List.copyOf(factors)));
    }

    private static boolean endsInStructure(List<Node> factors) {
        return factors.get(factors.size() - 1) instanceof Node.Group;
    }

    private Node signedPower() {
        if (takeSign("-")) {
            enter();
            Node negated = made(new Node.Negation(signedPower()));
            depth--;
            return negated;
        }
        takeSign("+");
        return power();
    }

    /** An integer followed by a proper fraction: 1\frac45, or 3 1/2. */
    private @Nullable Node mixedNumber() {
        Token whole = peek();
        if (whole.type() != Token.Type.NUMBER || !isDigits(whole.text())) {
            return null;
        }
        if (peek(1).isCommand("frac")) {
            int start = at;
            take();
            take();
            Node fraction = fraction();
            if (fraction instanceof Node.Quotient quotient
                    && quotient.numerator() instanceof Node.Numeral above
                    && quotient.denominator() instanceof Node.Numeral below
                    && above.value().isInteger()
                    && below.value().isInteger()
                    && above.value().signum() > 0
                    && above.value().compareTo(below.value()) < 0) {
                return made(new Node.Sum(List.of(integer(whole.text()), fraction)));
            }
            at = start;
            return null;
        }
        if (peek(1).type() == Token.Type.NUMBER
                && peek(1).spaced()
                && isDigits(peek(1).text())
                && peek(2).isSign("/")
                && peek(3).type() == Token.Type.NUMBER
                && isDigits(peek(3).text())) {
            Node.Numeral above = integer(peek(1).text());
            Node.Numeral below = integer(peek(3).text());
            if (above.value().signum() > 0 && above.value().compareTo(below.value()) < 0) {
                at += 4;
                return made(new Node.Sum(List.of(integer(whole.text()), made(new Node.Quotient(above, below)))));
            }
        }
        return null;
    }

    private static boolean isDigits(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private Node.Numeral integer(String digits) {
        return made(Node.Numeral.of(Rational.of(new BigInteger(digits))));
    }

    private boolean startsFactor(Token token, Token before) {
        return switch (token.type()) {
            case NUMBER, LETTER -> true;
            case COMMAND ->
                FACTOR_COMMANDS.contains(token.text())
                        || isFunction(token)
                        || SYMBOLS.contains(token.text())
                        || DECORATIONS.contains(token.text())
                        || token.text().startsWith("begin{");
            case SIGN ->
                switch (token.text()) {
                    case "(" -> !peek(1).isCommand("mod");
                    case "[", "{", "\\{" -> true;
                    case "|" -> openBars == 0 && before.type() != Token.Type.END;
                    default -> false;
                };
            default -> false;
        };
    }

    private static boolean isFunction(Token token) {
        return token.type() == Token.Type.COMMAND
                && (FUNCTIONS.contains(token.text()) || LISTED_FUNCTIONS.contains(token.text()));
    }

    private static boolean isUnit(Token token) {
        return token.type() == Token.Type.TEXT || token.type() == Token.Type.WORD;
    }

    private boolean isUnitAfterSlash() {
        return isUnit(peek(1)) && at > 0;
    }

    /** Everything up to the end of the statement as the unit of what stands before it. */
    private Node unit(Node amount) {
        StringBuilder phrase = new StringBuilder();
        while (true) {
            Token token = peek();
            boolean belongs = isUnit(token)
                    || token.type() == Token.Type.LETTER
                    || token.isSign("/")
                    || token.isSign("^")
                    || token.isSign("-")
                    || token.isCommand("cdot")
                    || token.type() == Token.Type.NUMBER && tokens.get(at - 1).isSign("^")
                    || (token.isSign("{") || token.isSign("}") || token.type() == Token.Type.NUMBER)
                            && phrase.indexOf("^") >= 0
                    || token.isSign(".");
            if (!belongs) {
                break;
            }
            take();
            boolean attach = token.isSign("^")
                    || token.isSign("{")
                    || token.isSign("}")
                    || token.isSign("/")
                    || token.isSign("-") && !phrase.isEmpty() && "^{".indexOf(phrase.charAt(phrase.length() - 1)) >= 0
                    || token.type() == Token.Type.NUMBER;
            if (!attach && !phrase.isEmpty() && phrase.charAt(phrase.length() - 1) != '/') {
                phrase.append(' ');
            }
            phrase.append(token.isCommand("cdot") ? "*" : token.text());
        }
        Token next = peek();
        boolean ends = next.type() == Token.Type.END
                || next.isSign(",")
                || next.isSign(";")
                || next.isSign(")")
                || next.isSign("]")
                || next.isSign("}")
                || next.isSign("\\}")
                || next.isSign("=")
                || next.isSign("+")
                || next.isCommand("approx")
                || next.isCommand("and")
                || next.isCommand("or");
        if (!ends) {
            throw Refusal.malformed();
        }
        String words = phrase.toString().toLowerCase(Locale.ROOT).strip();
        Node scaled = scaled(amount, words);
        if (scaled != null) {
            return scaled;
        }
        if (PERCENT.matcher(words).matches()) {
            return made(new Node.Percent(amount));
        }
        Units.Unit unit = Units.parse(words);
        if (!unit.known() && (amount instanceof Node.Symbol || Units.qualifies(words))) {
            throw Refusal.malformed(); // a sentence: "A train", "7 or 8 apples"
        }
        if (unit.dimension().equals("{angle=1}")) {
            return made(new Node.Degrees(amount));
        }
        return made(new Node.Quantity(amount, unit));
    }

    /** An amount of millions and the like, of a unit or of none; null where the words begin otherwise. */
    private @Nullable Node scaled(Node amount, String words) {
        String first = words.split(" ", 2)[0];
        Rational scale = NumberWords.scale(first);
        if (scale == null) {
            return null;
        }
        String rest = words.substring(first.length()).strip();
        Units.Unit unit = rest.isEmpty() ? null : Units.parse(rest);
        if (unit != null && !unit.known() && Units.qualifies(rest)) {
            throw Refusal.malformed();
        }
        Node bare = amount;
        if (amount instanceof Node.Quantity quantity) {
            if (unit != null && !unit.equals(quantity.unit())) {
                throw Refusal.unknown();
            }
            bare = quantity.node();
            unit = quantity.unit();
        }
        Node product = made(new Node.Product(List.of(bare, made(Node.Numeral.of(scale)))));
        return unit == null ? product : made(new Node.Quantity(product, unit));
    }

    private Node power() {
        enter();
        Node mixed = mixedNumber();
        Node base = postfix(mixed != null ? mixed : atom());
        if (mixed != null && peek().isSign("^") && !degreesFollow(1)) {
            throw Refusal.malformed(); // 1\frac{1}{2}^3 raises the fraction or the number
        }
        while (peek().isSign("^")) {
            take();
            if (degreesFollow(0)) {
                at += peek().isSign("{") ? 3 : 1;
                base = made(new Node.Degrees(base));
            } else if (primeFollows()) {
                base = primed(base, takePrimes());
            } else {
                base = made(new Node.Power(base, exponent()));
                if (peek().isSign("^")) {
                    throw Refusal.malformed();
                }
            }
            base = postfix(base);
        }
        depth--;
        return base;
    }

    private boolean degreesFollow(int ahead) {
        return peek(ahead).isCommand("circ")
                || peek(ahead).isSign("{")
                        && peek(ahead + 1).isCommand("circ")
                        && peek(ahead + 2).isSign("}");
    }

    private boolean primeFollows() {
        return peek().isCommand("prime") || peek().isSign("{") && peek(1).isCommand("prime");
    }

    private int takePrimes() {
        boolean braces = takeSign("{");
        int count = 0;
        while (peek().isCommand("prime")) {
            take();
            count++;
        }
        if (braces) {
            expectSign("}");
        }
        return count;
    }

    private Node primed(Node base, int count) {
        if (!(base instanceof Node.Symbol symbol)) {
            throw Refusal.unknown();
        }
        return made(new Node.Symbol(symbol.name() + "'".repeat(count)));
    }

    private Node exponent() {
        if (takeSign("{")) {
            Node node = sum();
            expectSign("}");
            return node;
        }
        if (takeSign("-")) {
            return made(new Node.Negation(atom()));
        }
        takeSign("+");
        return atom();
    }

    private Node postfix(Node atom) {
        Node node = atom;
        while (true) {
            Token token = peek();
            if (token.isSign("!")) {
                take();
                if (peek().isSign("!")) {
                    throw Refusal.unknown();
                }
                node = made(new Node.Call("factorial", List.of(node)));
            } else if (token.isSign("%")) {
                take();
                node = made(new Node.Percent(node));
            } else if (token.type() == Token.Type.SIGN && MONEY_BEHIND.contains(token.text())) {
                take();
                node = made(new Node.Quantity(node, currency(token.text())));
            } else if (token.isSign("'")) {
                take();
                node = primed(node, 1);
            } else if (token.isSign("_") && node instanceof Node.Symbol symbol) {
                take();
                node = made(new Node.Symbol(symbol.name() + "_" + subscript()));
            } else {
                return node;
            }
        }
    }

    private static Units.Unit currency(String sign) {
        return switch (sign) {
            case "dollar", "euro" -> Units.parse(sign);
            case "pound" -> new Units.Unit(Rational.ONE, "{sterling=1}", true);
            default -> new Units.Unit(Rational.ONE, "{" + sign + "=1}", true);
        };
    }

    /** The text of a subscript without spaces. */
    private String subscript() {
        if (!takeSign("{")) {
            Token token = take();
            if (token.type() == Token.Type.END || token.type() == Token.Type.SIGN) {
                throw Refusal.malformed();
            }
            return token.text();
        }
        StringBuilder name = new StringBuilder();
        int braces = 1;
        while (true) {
            Token token = take();
            if (token.type() == Token.Type.END) {
                throw Refusal.malformed();
            }
            if (token.isSign("{")) {
                braces++;
            } else if (token.isSign("}") && --braces == 0) {
                return name.toString();
            } else if (!token.isSign("}")) {
                name.append(token.text());
            }
        }
    }

    private Node atom() {
        enter();
        Token token = take();
        Node node = switch (token.type()) {
            case NUMBER -> number(token);
            case LETTER -> letter(token);
            case WORD -> word(token);
            case TEXT -> text(token);
            case COMMAND -> command(token);
            case SIGN -> bracket(token);
            case END -> throw Refusal.malformed();
        };
        depth--;
        return node;
    }

    /** Digits and capital letters up to an underscore, as in A5_{11}; null where they are no number in a base. */
    private @Nullable Node lettered(Token first) {
        StringBuilder digits = new StringBuilder(first.text());
        int ahead = 0;
        boolean letter = first.type() == Token.Type.LETTER;
        boolean digit = !letter;
        while (!peek(ahead).spaced() && ahead < 20) {
            Token token = peek(ahead);
            boolean capital = token.type() == Token.Type.LETTER
                    && Character.isUpperCase(token.text().charAt(0));
            boolean number = token.type() == Token.Type.NUMBER && isDigits(token.text());
            if (!capital && !number) {
                break;
            }
            letter = letter || capital;
            digit = digit || number;
            digits.append(token.text());
            ahead++;
        }
        boolean based = letter
                && digit
                && ahead > 0
                && peek(ahead).isSign("_")
                && isBaseAboveTen(peek(ahead + 1).isSign("{") ? peek(ahead + 2) : peek(ahead + 1));
        if (!based || !Character.isLetterOrDigit(digits.charAt(0)) || Character.isLowerCase(digits.charAt(0))) {
            return null;
        }
        at += ahead + 1;
        return based(digits.toString());
    }

    private static boolean isBaseAboveTen(Token token) {
        return token.type() == Token.Type.NUMBER
                && token.text().length() == 2
                && isDigits(token.text())
                && Integer.parseInt(token.text()) > 10
                && Integer.parseInt(token.text()) <= 36;
    }

    private Node number(Token token) {
        if (isDigits(token.text()) && peek().type() == Token.Type.LETTER) {
            Node based = lettered(token);
            if (based != null) {
                return based;
            }
        }
        if (peek().isSign("_")) {
            take();
            return based(token.text());
        }
        if (peek().isCommand("overline") && token.text().indexOf('.') >= 0) {
            take();
            return repeating(token.text());
        }
        return made(decimal(token.text()));
    }

    private static Node.Numeral decimal(String written) {
        int mark = written.indexOf('e');
        String digits = mark < 0 ? written : written.substring(0, mark);
        int power = mark < 0
                ? 0
                : Integer.parseInt(written.substring(written.charAt(mark + 1) == '+' ? mark + 2 : mark + 1));
        if (Math.abs(power) > 400) {
            throw Refusal.limit();
        }
        int point = digits.indexOf('.');
        if (point < 0 && mark < 0) {
            return Node.Numeral.of(Rational.of(new BigInteger(digits)));
        }
        int decimals = point < 0 ? 0 : digits.length() - point - 1;
        BigInteger unscaled = new BigInteger(digits.replace(".", ""));
        PlainNumber read = PlainNumber.decimal(new BigDecimal(unscaled, decimals - power), decimals, mark >= 0, false);
        return new Node.Numeral(
                read.value(), read.unit(), read.fine(), unscaled.toString().length());
    }

    /** A decimal whose digits under the bar repeat without end. */
    private Node repeating(String written) {
        expectSign("{");
        Token token = take();
        expectSign("}");
        if (token.type() != Token.Type.NUMBER || !isDigits(token.text())) {
            throw Refusal.malformed();
        }
        int point = written.indexOf('.');
        int decimals = written.length() - point - 1;
        String before = written.replace(".", "");
        BigInteger head = before.isEmpty() ? BigInteger.ZERO : new BigInteger(before);
        int period = token.text().length();
        BigInteger nines = BigInteger.TEN.pow(period).subtract(BigInteger.ONE);
        Rational tail = Rational.of(new BigInteger(token.text()), nines);
        Rational value = Rational.of(head).plus(tail).dividedBy(Rational.of(BigInteger.TEN.pow(decimals)));
        return made(Node.Numeral.of(value));
    }

    private Node based(String digits) {
        String subscript = subscript();
        Rational word = NumberWords.read(subscript);
        int base;
        if (word != null && word.isInteger() && word.compareTo(Rational.of(36)) <= 0) {
            base = word.numerator().intValue();
        } else if (isDigits(subscript) && subscript.length() <= 2) {
            base = Integer.parseInt(subscript);
        } else {
            throw Refusal.unknown();
        }
        if (base < 2 || base > 36) {
            throw Refusal.unknown();
        }
        String upper = digits.toUpperCase(Locale.ROOT);
        for (int i = 0; i < upper.length(); i++) {
            if (upper.charAt(i) > 'Z' || Character.digit(upper.charAt(i), base) < 0) {
                throw Refusal.malformed();
            }
        }
        Rational value = budget.check(Rational.of(new BigInteger(upper, base)));
        return made(new Node.Based(upper, base, value));
    }

    private Node letter(Token token) {
        String name = token.text();
        if (peek().type() == Token.Type.NUMBER || peek().type() == Token.Type.LETTER) {
            Node based = lettered(token);
            if (based != null) {
                return based;
            }
        }
        boolean subscripted = peek().isSign("_");
        if (name.equals("e") && !subscripted) {
            return Node.Constant.E;
        }
        if (name.equals("i") && !subscripted) {
            return Node.Constant.I;
        }
        if (peek().isSign("(")) {
            if (peek(1).type() == Token.Type.NUMBER && peek(2).isSign(")")) {
                String argument = peek(1).text();
                at += 3;
                return made(new Node.Symbol(name + "(" + argument + ")"));
            }
            if (name.equals("f") || name.equals("g") || name.equals("h")) {
                take();
                return made(new Node.Call(name, arguments()));
            }
        }
        return made(new Node.Symbol(name));
    }

    private List<Node> arguments() {
        int bars = openBars;
        openBars = 0;
        List<Node> arguments = new ArrayList<>();
        arguments.add(sum());
        while (takeSign(",")) {
            arguments.add(sum());
        }
        expectSign(")");
        openBars = bars;
        return arguments;
    }

    private Node word(Token token) {
        if (isName(token.text())) {
            return made(new Node.Symbol(token.text()));
        }
        throw Refusal.malformed();
    }

    private Node text(Token token) {
        if (peek().isSign("_")) {
            take();
            return based(token.text());
        }
        Rational number = NumberWords.read(token.text());
        if (number != null) {
            return made(Node.Numeral.of(number));
        }
        if (isLetterChoice(token.text()) && token.text().indexOf(',') < 0) {
            return made(new Node.Symbol(token.text().replace("(", "").replace(")", "")));
        }
        throw Refusal.malformed();
    }

    private Node command(Token token) {
        String name = token.text();
        if (FUNCTIONS.contains(name)) {
            return function(name);
        }
        if (LISTED_FUNCTIONS.contains(name)) {
            expectSign("(");
            return made(new Node.Call(name, arguments()));
        }
        if (SYMBOLS.contains(name)) {
            return made(new Node.Symbol(name));
        }
        if (DECORATIONS.contains(name)) {
            return decorated(name);
        }
        if (name.startsWith("begin{")) {
            return matrix(name.substring(5));
        }
        return switch (name) {
            case "frac" -> fraction();
            case "sqrt" -> root();
            case "binom" -> {
                Node above = argument();
                yield made(new Node.Call("binomial", List.of(above, argument())));
            }
            case "pi" -> Node.Constant.PI;
            case "infty" -> Node.Constant.INFINITY;
            case "emptyset" -> made(new Node.SetOf(List.of()));
            case "mathbb{R}" -> made(new Node.Reals());
            case "lfloor" -> enclosed("floor", "rfloor");
            case "lceil" -> enclosed("ceil", "rceil");
            default -> throw Refusal.unknown();
        };
    }

    private Node enclosed(String function, String close) {
        int bars = openBars;
        openBars = 0;
        Node inner = sum();
        openBars = bars;
        if (!take().isCommand(close)) {
            throw Refusal.malformed();
        }
        return made(new Node.Call(function, List.of(inner)));
    }

    private Node decorated(String decoration) {
        StringBuilder name = new StringBuilder(decoration).append(' ');
        if (takeSign("{")) {
            while (!peek().isSign("}")) {
                Token token = take();
                if (token.type() != Token.Type.LETTER
                        && token.type() != Token.Type.COMMAND
                        && token.type() != Token.Type.WORD) {
                    throw Refusal.unknown();
                }
                name.append(token.text());
            }
            take();
        } else {
            Token token = take();
            if (token.type() != Token.Type.LETTER) {
                throw Refusal.unknown();
            }
            name.append(token.text());
        }
        return made(new Node.Symbol(name.toString()));
    }

    /** An argument of a command: a group, else one token, of a number its first digit. */
    private Node argument() {
        if (takeSign("{")) {
            Node node = sum();
            expectSign("}");
            return node;
        }
        Token token = peek();
        if (token.type() == Token.Type.NUMBER && token.text().length() > 1) {
            String digits = token.text();
            if (!isDigits(digits)) {
                throw Refusal.malformed();
            }
            tokens.set(at, new Token(Token.Type.NUMBER, digits.substring(1), false));
            return integer(digits.substring(0, 1));
        }
        if (token.type() != Token.Type.NUMBER
                && token.type() != Token.Type.LETTER
                && token.type() != Token.Type.COMMAND) {
            throw Refusal.malformed();
        }
        return atom();
    }

    private Node fraction() {
        Node numerator = argument();
        Node denominator = argument();
        if (isDifferential(numerator) && isDifferential(denominator)) {
            return made(new Node.Call("derivative", List.of(numerator, denominator)));
        }
        return made(new Node.Quotient(numerator, denominator));
    }

    /** Whether an expression is {@code d} before a variable, which must not cancel. */
    private static boolean isDifferential(Node node) {
        Node first = node instanceof Node.Product product ? product.factors().get(0) : node;
        if (first instanceof Node.Power power) {
            first = power.base();
        }
        return first instanceof Node.Symbol symbol && symbol.name().equals("d");
    }

    private Node root() {
        Node degree = null;
        if (takeSign("[")) {
            degree = sum();
            expectSign("]");
        }
        Node radicand;
        if (takeSign("{")) {
            radicand = sum();
            expectSign("}");
        } else {
            radicand = atom();
        }
        return made(new Node.Root(degree == null ? Node.Numeral.of(Rational.TWO) : degree, radicand));
    }

    private Node function(String name) {
        Node exponent = null;
        Node base = null;
        for (int i = 0; i < 2; i++) {
            if (exponent == null && takeSign("^")) {
                exponent = exponent();
            } else if (base == null && name.startsWith("l") && takeSign("_")) {
                base = argumentOfBase();
            }
        }
        Node argument = functionArgument();
        Node call;
        if (base != null) {
            call = made(new Node.Call("log", List.of(base, argument)));
        } else if (name.equals("log")) {
            sawLog = true;
            call = reading.naturalLog()
                    ? made(new Node.Call("ln", List.of(argument)))
                    : made(new Node.Call("log", List.of(Node.Numeral.of(Rational.TEN), argument)));
        } else if (name.equals("lg")) {
            call = made(new Node.Call("log", List.of(Node.Numeral.of(Rational.TEN), argument)));
        } else if (name.equals("exp")) {
            call = made(new Node.Power(Node.Constant.E, argument));
        } else if (exponent instanceof Node.Negation negation
                && negation.node() instanceof Node.Numeral one
                && one.value().isOne()
                && (name.equals("sin") || name.equals("cos") || name.equals("tan"))) {
            return made(new Node.Call("arc" + name, List.of(argument)));
        } else {
            call = made(new Node.Call(name, List.of(argument)));
        }
        return exponent == null ? call : made(new Node.Power(call, exponent));
    }

    private Node argumentOfBase() {
        if (takeSign("{")) {
            Node node = sum();
            expectSign("}");
            return node;
        }
        return atom();
    }

    private Node functionArgument() {
        if (peek().isSign("{") || peek().isSign("(") || peek().isSign("[")) {
            Node group = atom();
            if (group instanceof Node.Group) {
                throw Refusal.malformed();
            }
            return group;
        }
        boolean negative = takeSign("-");
        List<Node> factors = new ArrayList<>();
        factors.add(power());
        while (startsFactor(peek(), tokens.get(at - 1))
                && !isFunction(peek())
                && !peek().isSign("(")
                && !peek().isSign("[")
                && !(peek().type() == Token.Type.NUMBER)) {
            factors.add(power());
        }
        if (peek().isSign("/") && !peek().spaced() && !peek(1).spaced() && reading.tightProduct()) {
            take();
            Node quotient = made(new Node.Quotient(product(factors), power()));
            return negative ? made(new Node.Negation(quotient)) : quotient;
        }
        if (peek().isSign("/")) {
            sawTightProduct = true;
        }
        Node argument = product(factors);
        return negative ? made(new Node.Negation(argument)) : argument;
    }

    private Node bracket(Token open) {
        switch (open.text()) {
            case "(", "[", "{", "\\{" -> {
                int bars = openBars;
                openBars = 0;
                Node node = group(open.text());
                openBars = bars;
                return node;
            }
            case "|" -> {
                openBars++;
                Node inner = sum();
                openBars--;
                expectSign("|");
                return made(new Node.Call("abs", List.of(inner)));
            }
            case "dollar", "pound", "euro", "yen", "rupee", "won", "ruble" -> {
                return made(new Node.Quantity(power(), currency(open.text())));
            }
            default -> throw Refusal.malformed();
        }
    }

    private Node group(String open) {
        List<Node> items = new ArrayList<>();
        if (open.equals("\\{") && takeSign("\\}")) {
            return made(new Node.SetOf(List.of()));
        }
        if (open.equals("\\{") && describesSet()) {
            Node condition = list();
            expectSign("\\}");
            return condition;
        }
        items.add(statement());
        if (open.equals("{") && peek().isCommand("choose")) {
            take();
            Node below = sum();
            expectSign("}");
            return made(new Node.Call("binomial", List.of(items.get(0), below)));
        }
        if (open.equals("{") && peek().isCommand("over")) {
            take();
            Node below = sum();
            expectSign("}");
            return made(new Node.Quotient(items.get(0), below));
        }
        if (open.equals("\\{") && (peek().isSign("|") || peek().isCommand("mid"))) {
            take();
            Node condition = statement();
            expectSign("\\}");
            return condition;
        }
        while (takeSeparator()) {
            items.add(statement());
        }
        Token close = take();
        if (close.type() != Token.Type.SIGN) {
            throw Refusal.malformed();
        }
        switch (open) {
            case "\\{" -> {
                if (!close.text().equals("\\}")) {
                    throw Refusal.malformed();
                }
                return made(new Node.SetOf(items));
            }
            case "{" -> {
                if (!close.text().equals("}")) {
                    throw Refusal.malformed();
                }
                return items.size() == 1 ? items.get(0) : made(new Node.SetOf(items));
            }
            default -> {
                if (!close.text().equals(")") && !close.text().equals("]")) {
                    throw Refusal.malformed();
                }
                boolean matching = open.equals("(") == close.text().equals(")");
                if (items.size() == 1) {
                    if (!matching) {
                        throw Refusal.malformed();
                    }
                    if (peek().isSign("_")
                            && at >= 2
                            && tokens.get(at - 2).type() == Token.Type.NUMBER
                            && isDigits(tokens.get(at - 2).text())
                            && tokens.get(at - 3).isSign(open)) {
                        take();
                        return based(tokens.get(at - 3).text());
                    }
                    return items.get(0);
                }
                return made(new Node.Group(open, close.text(), items));
            }
        }
    }

    /** Whether a set is written as the reals x with a condition; what stands before the condition is taken. */
    private boolean describesSet() {
        if (peek().type() != Token.Type.LETTER) {
            return false;
        }
        int bar = peek(1).isCommand("in") && peek(2).isCommand("mathbb{R}") ? 3 : 1;
        if (!peek(bar).isSign(":") && !peek(bar).isSign("|") && !peek(bar).isCommand("mid")) {
            return false;
        }
        at += bar + 1;
        return true;
    }

    private Node matrix(String environment) {
        boolean known = switch (environment) {
            case "{pmatrix}", "{bmatrix}", "{matrix}", "{array}", "{smallmatrix}", "{Bmatrix}" -> true;
            default -> false;
        };
        if (!known) {
            throw Refusal.unknown();
        }
        if (environment.equals("{array}") && takeSign("{")) {
            while (!takeSign("}")) {
                if (take().type() == Token.Type.END) {
                    throw Refusal.malformed();
                }
            }
        }
        List<List<Node>> rows = new ArrayList<>();
        List<Node> row = new ArrayList<>();
        while (true) {
            if (peek().isCommand("end" + environment)) {
                take();
                break;
            }
            row.add(statement());
            Token token = peek();
            if (takeSign("&")) {
                continue;
            }
            if (takeSign("\\\\")) {
                rows.add(row);
                row = new ArrayList<>();
            } else if (!token.isCommand("end" + environment)) {
                throw Refusal.malformed();
            }
        }
        if (!row.isEmpty()) {
            rows.add(row);
        }
        if (rows.isEmpty()) {
            throw Refusal.malformed();
        }
        for (List<Node> each : rows) {
            if (each.size() != rows.get(0).size()) {
                throw Refusal.malformed();
            }
        }
        return made(new Node.Matrix(rows));
    }
}
