package org.minpro.sandbox;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A program as the source of a class {@code Solution} that has its tests as methods: they see all of its members by name,
 * private ones too, and it may be final, a record, an enum or an interface.
 *
 * <p>Lines keep their numbers up to the end of the class.
 */
final class TestedProgram {
    static final String NAME = "Solution";

    private static final Pattern PREAMBLE = Pattern.compile("\\G\\s*(package|import)\\b[^;]*;");
    private static final Pattern DECLARATION = Pattern.compile("\\b(class|record|interface|enum)\\s+" + NAME + "\\b");
    private static final Pattern ABSTRACT = Pattern.compile("\\babstract\\b");
    /** With a parenthesis in its group where it takes nothing. */
    private static final Pattern CONSTRUCTOR = Pattern.compile("(?<![\\w.$])(?<!new )" + NAME + " ?\\( ?(\\)?)");

    private TestedProgram() {}

    /**
     * The class. A test is a method without parameters {@code test}, its ordinal and the secret.
     *
     * @param program a class {@code Solution}, or members of one, behind imports or none
     * @param tests Java statements
     * @param secret ends the names that the program must not know
     */
    static String source(String program, List<String> tests, String secret) {
        String whole = ofTheUnnamedPackage(program);
        String code = JavaCode.of(whole);
        Matcher declaration = DECLARATION.matcher(JavaCode.outsideBraces(code));
        int open = declaration.find() ? code.indexOf('{', declaration.end()) : -1;
        int close = open < 0 ? -1 : JavaCode.closingBrace(code, open);
        if (close < 0) {
            // The compiler says what is wrong with it.
            return whole;
        }
        boolean instance = isMadeOfNothing(code, declaration, open, close);
        return whole.substring(0, close) + methods(tests, secret, instance) + whole.substring(close);
    }

    /** A class in any case, with java.util imported. */
    private static String ofTheUnnamedPackage(String program) {
        String code = JavaCode.of(program);
        StringBuilder head = new StringBuilder("import java.util.*; ");
        int begin = 0;
        Matcher preamble = PREAMBLE.matcher(code);
        while (preamble.find()) {
            begin = preamble.end();
            if (preamble.group(1).equals("import")) {
                head.append(preamble.group().replaceAll("\\s+", " ").strip()).append(' ');
            }
        }
        String lines = code.substring(0, begin).replaceAll("[^\n]", "");
        String rest = program.substring(begin);
        return DECLARATION
                        .matcher(JavaCode.outsideBraces(code.substring(begin)))
                        .find()
                ? head + lines + rest
                : head + "public class " + NAME + " {" + lines + rest + "\n}\n";
    }

    /** Whether there is an instance to call methods on. */
    private static boolean isMadeOfNothing(String code, Matcher declaration, int open, int close) {
        String before = code.substring(0, declaration.start());
        String modifiers = before.substring(1 + Math.max(before.lastIndexOf(';'), before.lastIndexOf('}')));
        String kind = declaration.group(1);
        if (kind.equals("interface")
                || kind.equals("enum")
                || ABSTRACT.matcher(modifiers).find()) {
            return false;
        }
        String members = JavaCode.outsideBraces(code.substring(open + 1, close));
        Matcher constructor =
                CONSTRUCTOR.matcher((code.substring(declaration.start(), open) + members).replaceAll("\\s+", " "));
        boolean declared = false;
        while (constructor.find()) {
            if (!constructor.group(1).isEmpty()) {
                return true;
            }
            declared = true;
        }
        return !declared;
    }

    /** Assertions are calls on an object with a name that no program can have guessed. */
    private static String methods(List<String> tests, String secret, boolean instance) {
        // An enum's constants must have ended.
        StringBuilder methods = new StringBuilder("\n;");
        String check = "check" + secret;
        String checks = "Check" + secret;
        for (int i = 0; i < tests.size(); i++) {
            String run = "run" + i + secret + "(";
            methods.append("static void test" + i + secret + "() throws Throwable { ")
                    .append(instance ? "new " + NAME + "()." : "")
                    .append(run + "new " + checks + "()); }\n")
                    .append(instance ? "void " : "static void ")
                    .append(run + checks + " " + check + ") throws Throwable {\n")
                    .append(Assertions.calledOn(check, tests.get(i)))
                    .append("\n}\n");
        }
        return methods.toString();
    }
}
