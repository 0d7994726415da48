package org.minpro.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class BinderTest {
    interface Shape {}

    record Circle(double radius, boolean filled) implements Shape {
        Circle {
            if (!(radius > 0)) {
                throw new IllegalArgumentException("radius must be > 0, got: " + radius);
            }
        }

        Circle() {
            this(1, false);
        }
    }

    record Point() implements Shape {}

    /** No record: what it is made of is not the binder's. */
    static final class Cloud implements Shape {}

    record CloudOf(Class<?> type, Map<String, @Nullable Object> parameters) implements Shape, ByClassName {
        CloudOf {
            if (parameters.containsKey("edges")) {
                throw new IllegalArgumentException("must have no edges, got: " + parameters);
            }
        }
    }

    /** {@code sides} must be given. */
    record Polygon(int sides, double length, boolean filled) implements Shape {
        Polygon {
            if (sides < 3) {
                throw new IllegalArgumentException("sides must be >= 3, got: " + sides);
            }
            if (length > 100.0 / sides) {
                throw new IllegalArgumentException("length must be <= 100 / sides, got: " + length);
            }
        }

        Polygon(int sides) {
            this(sides, 10, false);
        }
    }

    record Errand(Runnable task) {}

    record Layer(@Unwrapped Shape shape, double depth) {
        Layer(Shape shape) {
            this(shape, 0.5);
        }
    }

    record Drawing(Map<String, Layer> layers) implements Shape {
        Drawing {
            if (layers.isEmpty()) {
                throw new IllegalArgumentException("layers must be one or more, got: none");
            }
        }
    }

    enum Unit {
        FULL_TURN,
        DEGREE
    }

    record Limits(int low, int high) {
        Limits {
            if (low < 0) {
                throw new IllegalArgumentException("low must be >= 0, got: " + low);
            }
            if (high <= low) {
                throw new IllegalArgumentException("high must be > low (" + low + "), got: " + high);
            }
        }

        Limits() {
            this(0, 10);
        }
    }

    record Sample(
            @Doc("How large a step is.") double learningRate,
            long seed,
            @Nullable String title,
            String text,
            List<Integer> ids,
            List<Limits> ranges,
            Unit unit,
            Path folder,
            @Nullable Integer workers,
            Map<String, Object> variables,
            Limits limits,
            @Doc("What is drawn.") Shape shape) {
        Sample {
            if (!(learningRate > 0)) {
                throw new IllegalArgumentException("learningRate must be > 0, got: " + learningRate);
            }
            ids = List.copyOf(ids);
        }

        Sample() {
            this(
                    1e-6,
                    1,
                    null,
                    "on",
                    List.of(),
                    List.of(),
                    Unit.FULL_TURN,
                    Path.of("runs"),
                    null,
                    Map.of(),
                    new Limits(),
                    new Circle());
        }
    }

    private static final NamedRecords<Shape> SHAPES = new NamedRecords<>(
            "shape",
            Shape.class,
            List.of(
                    new NamedRecords.Entry<>("circle", Circle.class, "round"),
                    new NamedRecords.Entry<>("point", Point.class, "small")));
    private static final NamedRecords<Shape> MORE_SHAPES = new NamedRecords<Shape>(
                    "shape", Shape.class, SHAPES.entries(), CloudOf::new)
            .with(new NamedRecords.Entry<>("polygon", Polygon.class, "has corners"))
            .with(new NamedRecords.Entry<>("drawing", Drawing.class, "several in one"));
    private static final Binder BINDER = new Binder(SHAPES);

    private static Sample bind(Settings settings) {
        return BINDER.bind(Sample.class, settings);
    }

    private static Sample yaml(String text) {
        return bind(new Settings().yaml("r.yaml", text));
    }

    private static List<String> problems(Settings settings) {
        ConfigurationException e = catchThrowableOfType(ConfigurationException.class, () -> bind(settings));
        assertThat(e).isNotNull();
        assertThat(e).message().hasLineCount(e.problems().size());
        return e.problems().stream().map(ConfigurationProblem::toString).toList();
    }

    private static List<String> problems(String text) {
        return problems(new Settings().yaml("r.yaml", text));
    }

    @Test
    void emptySettingsAreTheDefaults() {
        assertThat(yaml("")).isEqualTo(new Sample());
        assertThat(yaml("# only a comment\n")).isEqualTo(new Sample());
    }

    @Test
    void bindsEveryKindOfSetting() {
        Sample sample = yaml("""
                learning-rate: 1e-4
                seed: 1_000_000_000_000
                title: yes
                text: 007
                ids: [1, 2]
                ranges:
                  - {low: 1, high: 2}
                  - high: 3
                unit: degree
                folder: a/b
                workers: 4
                variables: {thinking: true, depth: 3, name: "x", list: [1.5, null]}
                limits:
                  high: 20
                shape: {name: circle, radius: 2}
                """);
        assertThat(sample.learningRate()).isEqualTo(1e-4);
        assertThat(sample.seed()).isEqualTo(1_000_000_000_000L);
        assertThat(sample.title()).isEqualTo("yes");
        assertThat(sample.text()).isEqualTo("007");
        assertThat(sample.ids()).containsExactly(1, 2);
        assertThat(sample.ranges()).containsExactly(new Limits(1, 2), new Limits(0, 3));
        assertThat(sample.unit()).isEqualTo(Unit.DEGREE);
        assertThat(sample.folder()).isEqualTo(Path.of("a/b"));
        assertThat(sample.workers()).isEqualTo(4);
        assertThat(sample.variables())
                .containsEntry("thinking", true)
                .containsEntry("depth", 3)
                .containsEntry("name", "x");
        assertThat(sample.limits()).isEqualTo(new Limits(0, 20));
        assertThat(sample.shape()).isEqualTo(new Circle(2, false));
    }

    @Test
    void reportsAllProblemsAtOnceWithTheirPlaces() {
        assertThat(problems("""
                        learning_rate: 1e-4
                        sede: 3
                        limits:
                          low: -1
                          hihg: 5
                        ids: [1, x]
                        unit: degre
                        workers: 2.5
                        shape: circel
                        title: [a]
                        """))
                .containsExactly(
                        "r.yaml:1:1: unknown setting 'learning_rate'. Did you mean 'learning-rate'?",
                        "r.yaml:2:1: unknown setting 'sede'. Did you mean 'seed'?",
                        "r.yaml:4:8: limits.low must be >= 0, got: -1",
                        "r.yaml:5:3: unknown setting 'limits.hihg'. Did you mean 'limits.high'?",
                        "r.yaml:6:10: ids[1] must be an integer of at most 2147483647, got: x",
                        "r.yaml:7:7: unit must be one of full-turn, degree, got: degre. Did you mean 'degree'?",
                        "r.yaml:8:10: workers must be an integer of at most 2147483647, got: 2.5",
                        "r.yaml:9:8: shape must be one of circle, point, or the name of a class, got: 'circel'."
                                + " Did you mean 'circle'?",
                        "r.yaml:10:8: title must be a text, got: a list");
    }

    @Test
    void constructorsAreAskedUntilEveryRuleHasSpoken() {
        assertThat(problems("limits: {low: -3, high: -5}\nlearning-rate: 0"))
                .containsExactly(
                        "r.yaml:1:15: limits.low must be >= 0, got: -3",
                        "r.yaml:1:25: limits.high must be > low (0), got: -5",
                        "r.yaml:2:16: learning-rate must be > 0, got: 0.0");
    }

    @Test
    void aRuleOverTwoSettingsNamesTheOneThatIsGiven() {
        assertThat(problems("limits:\n  low: 30"))
                .containsExactly("r.yaml:2:8: limits.high must be > low (30), got: 10");
    }

    /** The default that takes its place breaks the rule as well; that is no second problem. */
    @Test
    void aSettingThatIsPutBackIsReportedOnce() {
        assertThat(problems("limits: {low: 30, high: 20}"))
                .containsExactly("r.yaml:1:25: limits.high must be > low (30), got: 20");
    }

    @Test
    void aNameInTheWrongSectionIsSuggestedWithItsSection() {
        assertThat(problems("high: 3"))
                .containsExactly("r.yaml:1:1: unknown setting 'high'. Did you mean 'limits.high'?");
        assertThat(problems("limits: {seed: 3}"))
                .containsExactly("r.yaml:1:10: unknown setting 'limits.seed'. Did you mean 'seed'?");
    }

    @Test
    void aNameNearToNothingListsWhatThereIs() {
        assertThat(problems("limits: {quantum: 3}"))
                .containsExactly(
                        "r.yaml:1:10: unknown setting 'limits.quantum'. The settings of 'limits' are low, high.");
    }

    @Test
    void refusesKeysGivenTwiceAndBrokenYaml() {
        assertThat(problems("seed: 1\nseed: 2"))
                .containsExactly("r.yaml:2:1: 'seed' is given twice, first at r.yaml:1:1");
        assertThat(problems("seed: [1\ntitle: x")).singleElement().asString().startsWith("r.yaml:2:");
        assertThat(problems("- 1"))
                .containsExactly("r.yaml:1:1: must be settings of the form 'name: value', got: a list");
        assertThat(problems("limits: &a {low: *a}")).anyMatch(problem -> problem.startsWith("r.yaml:1:"));
    }

    @Test
    void nullIsForSettingsWhoseDefaultIsNull() {
        assertThat(yaml("title: null\nworkers:\n").title()).isNull();
        assertThat(problems("seed: null")).containsExactly("r.yaml:1:7: seed must be given a value, got: null");
    }

    @Test
    void laterLayersWinAndKeepTheirOrigin() {
        Settings settings = new Settings()
                .yaml("r.yaml", "seed: 1\nlimits: {low: 2, high: 3}\nlearning-rate: 1")
                .option("seed", "7", "--seed")
                .set("limits.high=9")
                .set("learning-rate=-1");
        assertThat(problems(settings)).containsExactly("--set learning-rate=-1: learning-rate must be > 0, got: -1.0");
        Sample sample = bind(settings.set("learning-rate=0.5"));
        assertThat(sample.seed()).isEqualTo(7);
        assertThat(sample.limits()).isEqualTo(new Limits(2, 9));
        assertThat(sample.learningRate()).isEqualTo(0.5);
    }

    @Test
    void aDedicatedOptionWinsOverSetAndSaysSo() {
        Settings settings = new Settings().set("seed=3").option("seed", "4", "--seed");
        assertThat(bind(settings).seed()).isEqualTo(4);
        assertThat(settings.warnings()).containsExactly("--set seed=3 has no effect: --seed 4 is given too");
    }

    @Test
    void choosesAnImplementationAndChangesItsParameters() {
        assertThat(yaml("shape: point").shape()).isEqualTo(new Point());
        assertThat(bind(new Settings().set("shape.radius=3")).shape()).isEqualTo(new Circle(3, false));
        assertThat(bind(new Settings()
                                .yaml("r.yaml", "shape: {name: circle, radius: 2}")
                                .set("shape.filled=true"))
                        .shape())
                .isEqualTo(new Circle(2, true));
        assertThat(bind(new Settings()
                                .yaml("r.yaml", "shape: point")
                                .option("shape", "circle", "--shape")
                                .set("shape.radius=5"))
                        .shape())
                .isEqualTo(new Circle(5, false));
        assertThat(bind(new Settings().set("shape={name: circle, radius: 4}")).shape())
                .isEqualTo(new Circle(4, false));
        assertThat(problems(new Settings().set("shape=point").set("shape.radius=3")))
                .containsExactly(
                        "--set shape.radius=3: unknown setting 'shape.radius'. The settings of 'shape' are none.");
        assertThat(problems("shape: {name: circle, radius: -1}"))
                .containsExactly("r.yaml:1:31: shape.radius must be > 0, got: -1.0");
    }

    @Test
    void takesAClassNameInPlaceOfAName() {
        assertThat(yaml("shape: org.minpro.config.BinderTest$Point").shape()).isEqualTo(new Point());
        assertThat(problems("shape: java.lang.String"))
                .containsExactly("r.yaml:1:8: shape must implement org.minpro.config.BinderTest$Shape,"
                        + " got: class 'java.lang.String'");
        assertThat(problems("shape: com.acme.Star")).singleElement().asString().contains("--class-path");
        assertThat(BINDER.choose(SHAPES, "circle", new Settings().set("radius=2")))
                .isEqualTo(new Circle(2, false));
        assertThatThrownBy(() -> BINDER.choose(SHAPES, "circle", new Settings().set("raduis=2")))
                .hasMessage("--set raduis=2: unknown setting 'raduis'. Did you mean 'radius'?");
    }

    @Test
    void aTableMakesItsRecordsFromMaps() {
        ClassLoader loader = getClass().getClassLoader();
        assertThat(SHAPES.create("circle", Map.of("radius", 2, "filled", "true"), loader))
                .isEqualTo(new Circle(2, true));
        assertThat(SHAPES.parameters(new Circle())).isEqualTo(Map.of("radius", 1.0, "filled", false));
        assertThatThrownBy(() -> SHAPES.create("circle", Map.of("radius", "big", "size", 1), loader))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("radius must be a number, got: big")
                .hasMessageContaining("unknown setting 'size'");
        assertThatThrownBy(() -> SHAPES.create("cirlce", Map.of(), loader))
                .hasMessage("shape must be one of circle, point, or the name of a class, got: 'cirlce'."
                        + " Did you mean 'circle'?");
    }

    private static Shape shape(String yaml, String... sets) {
        Settings settings = new Settings().yaml("r.yaml", yaml);
        for (String set : sets) {
            settings.set(set);
        }
        return new Binder(MORE_SHAPES).bind(Sample.class, settings).shape();
    }

    private static List<String> shapeProblems(String yaml, String... sets) {
        ConfigurationException e = catchThrowableOfType(ConfigurationException.class, () -> shape(yaml, sets));
        assertThat(e).isNotNull();
        return e.problems().stream().map(ConfigurationProblem::toString).toList();
    }

    @Test
    void aSettingWithoutDefaultMustBeGiven() {
        assertThat(shape("shape: {name: polygon, sides: 5}")).isEqualTo(new Polygon(5));
        assertThat(shape("shape: polygon", "shape.sides=4", "shape.filled=true"))
                .isEqualTo(new Polygon(4, 10, true));
        assertThat(shapeProblems("shape: {name: polygon, length: x}"))
                .containsExactly(
                        "r.yaml:1:8: shape.sides must be given", "r.yaml:1:32: shape.length must be a number, got: x");
        assertThat(shapeProblems("shape: {name: polygon, sides: null, side: 3}"))
                .containsExactly(
                        "r.yaml:1:31: shape.sides must be given a value, got: null",
                        "r.yaml:1:37: unknown setting 'shape.side'. Did you mean 'shape.sides'?");
        assertThat(shapeProblems("shape: {name: polygon, sides: 2}"))
                .containsExactly("r.yaml:1:31: shape.sides must be >= 3, got: 2");
        assertThat(shapeProblems("shape: {name: polygon, sides: 5, length: 30}"))
                .containsExactly("r.yaml:1:42: shape.length must be <= 100 / sides, got: 30.0");
    }

    /** A default that does not suit is no matter where it is not used. */
    @Test
    void aDefaultMustSuitWhatIsGiven() {
        assertThat(shapeProblems("shape: {name: polygon, sides: 20}"))
                .containsExactly("r.yaml:1:31: shape.length must be <= 100 / sides, got: 10.0");
        assertThat(shape("shape: {name: polygon, sides: 20, length: 2, filled: false}"))
                .isEqualTo(new Polygon(20, 2, false));
    }

    @Test
    void aMapHoldsRecordsThatHoldImplementations() {
        Shape drawing = shape("""
                shape:
                  name: drawing
                  layers:
                    point:
                    back: {shape: polygon, depth: 2, sides: 4, length: 3}
                    front: {shape: {name: circle, radius: 2}}
                """);
        assertThat(drawing)
                .isEqualTo(new Drawing(Map.of(
                        "point", new Layer(new Point()),
                        "back", new Layer(new Polygon(4, 3, false), 2),
                        "front", new Layer(new Circle(2, false)))));
        assertThat(((Drawing) drawing).layers().keySet()).containsExactly("point", "back", "front");
        assertThat(shape("shape: {name: drawing, layers: {circle: {}}}", "shape.layers.circle.radius=3"))
                .isEqualTo(new Drawing(Map.of("circle", new Layer(new Circle(3, false)))));
    }

    @Test
    void problemsInAMapNameTheirPlace() {
        assertThat(shapeProblems("""
                        shape:
                          name: drawing
                          layers:
                            circel: {depth: 1}
                            back: {shape: polygon, side: 4}
                            front: {shape: circle, radius: -1, depth: much}
                            side: [1]
                            top: {shape: [1]}
                        """))
                .containsExactly(
                        "r.yaml:4:13: shape.layers.circel.shape must be one of circle, drawing, point, polygon, or the name"
                                + " of a class, got: 'circel'. Did you mean 'circle'?",
                        "r.yaml:5:19: shape.layers.back.shape.sides must be given",
                        "r.yaml:5:28: unknown setting 'shape.layers.back.shape.side'."
                                + " Did you mean 'shape.layers.back.shape.sides'?",
                        "r.yaml:6:36: shape.layers.front.shape.radius must be > 0, got: -1.0",
                        "r.yaml:6:47: shape.layers.front.depth must be a number, got: much",
                        "r.yaml:7:11: shape.layers.side must be a section, got: a list",
                        "r.yaml:8:18: shape.layers.top.shape must be a name or a section with a name, got: a list");
        assertThat(shapeProblems("shape: {name: drawing, layers: {}}"))
                .containsExactly("r.yaml:1:32: shape.layers must be one or more, got: none");
    }

    @Test
    void aClassThatIsNoRecordIsHeldByItsName() {
        String name = Cloud.class.getName();
        Shape cloud = shape("shape: {name: " + name + ", size: 3, wet: true}", "shape.drops=[1, x]");
        assertThat(cloud).isEqualTo(new CloudOf(Cloud.class, Map.of("size", 3, "wet", true, "drops", List.of(1, "x"))));
        Sample sample = Binder.with(new Sample(), "shape", cloud);
        Binder binder = new Binder(MORE_SHAPES);
        String written = binder.write(sample, false);
        assertThat(written).contains("shape:\n  name: " + name + "\n  size: 3\n");
        assertThat(binder.bind(Sample.class, new Settings().yaml("r.yaml", written)))
                .isEqualTo(sample);
        assertThat(shapeProblems("shape: {name: " + name + ", edges: 3}"))
                .containsExactly("r.yaml:1:8: shape must have no edges, got: {edges=3}");
        assertThat(MORE_SHAPES.nameOf(cloud)).isEqualTo(name);
        assertThat(MORE_SHAPES.parameters(cloud)).containsEntry("size", 3);
    }

    @Test
    void writesMapsOfRecords() {
        Binder binder = new Binder(MORE_SHAPES);
        Map<String, Layer> layers = new LinkedHashMap<>();
        layers.put("the back", new Layer(new Polygon(4), 2));
        layers.put("point", new Layer(new Point()));
        Sample sample = Binder.with(new Sample(), "shape", new Drawing(layers));
        String written = binder.write(sample, false);
        assertThat(written).contains("""
                shape:
                  name: drawing
                  layers:
                    "the back":
                      shape:
                        name: polygon
                        sides: 4
                        length: 10.0
                        filled: false
                      depth: 2.0
                    point:
                      shape: point
                      depth: 0.5
                """);
        assertThat(binder.bind(Sample.class, new Settings().yaml("r.yaml", written)))
                .isEqualTo(sample);
    }

    @Test
    void aLambdaCannotBeWritten() {
        Binder binder = new Binder(new NamedRecords<>("task", Runnable.class, List.of()));
        assertThatThrownBy(() -> binder.write(new Errand(() -> {}), false))
                .hasMessage("task must be of a class with a name, which the recipe can hold, got: a lambda expression");
    }

    @Test
    void optionsAreLiteralForTextAndYamlForLists() {
        Sample sample = bind(new Settings()
                .set("title=Answer: {a} # 1 [b]")
                .set("ids=[1, 2]")
                .set("variables={date: \"2026\"}"));
        assertThat(sample.title()).isEqualTo("Answer: {a} # 1 [b]");
        assertThat(sample.ids()).containsExactly(1, 2);
        assertThat(sample.variables()).containsEntry("date", "2026");
        assertThat(bind(new Settings().set("ids=3,4")).ids()).containsExactly(3, 4);
        assertThat(problems(new Settings().set("nonsense")))
                .containsExactly("--set nonsense: must be name=value, got: 'nonsense'");
    }

    @Test
    void whatIsWrittenBindsToTheSameRecord() {
        Sample sample = new Sample(
                1.25e-7,
                -5,
                "a\"b\\c\n\té\u2028 # x",
                "null",
                List.of(3, 4),
                List.of(new Limits(1, 2), new Limits()),
                Unit.DEGREE,
                Path.of("a b/c"),
                3,
                Map.of("k", List.of(1, 2.5, "true", true)),
                new Limits(3, 4),
                new Circle(0.1, true));
        for (Sample written : List.of(sample, new Sample())) {
            for (boolean comments : new boolean[] {true, false}) {
                String text = BINDER.write(written, comments);
                assertThat(yaml(text)).as(text).isEqualTo(written);
                assertThat(BINDER.write(yaml(text), comments)).isEqualTo(text);
            }
        }
    }

    @Test
    void writesCommentsWithAlternatives() {
        assertThat(BINDER.write(new Sample(), true))
                .contains("# How large a step is.\nlearning-rate: 1e-6\n")
                .contains("# What is drawn. (circle | point)\nshape:\n  name: circle\n  radius: 1.0\n")
                .contains("# full-turn | degree\nunit: full-turn\n")
                .contains("text: \"on\"\n")
                .contains("title: null\n");
    }

    @Test
    void withChangesOneSetting() {
        assertThat(Binder.with(new Sample(), "limits.high", 12).limits()).isEqualTo(new Limits(0, 12));
        assertThatThrownBy(() -> Binder.with(new Sample(), "limits.low", -1)).hasMessage("low must be >= 0, got: -1");
        assertThatThrownBy(() -> Binder.with(new Sample(), "lmits.low", 1)).hasMessageContaining("'limits'");
        assertThatThrownBy(() -> Binder.with(new Sample(), "seed", "text"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    record Canvas(
            @Doc("What is drawn.") List<Shape> shapes,
            @Doc("A name.") String title) {
        Canvas() {
            this(List.of(), "none");
        }
    }

    /** One of a user's own that is no record. */
    static final class Blot implements Shape {}

    private static List<Shape> shapes(Settings settings) {
        return BINDER.bind(Canvas.class, settings).shapes();
    }

    @Test
    void bindsAListOfChoices() {
        assertThat(shapes(new Settings().yaml("r.yaml", "shapes: [point, {name: circle, radius: 2}]")))
                .containsExactly(new Point(), new Circle(2, false));
        assertThat(shapes(new Settings().yaml("r.yaml", "shapes:\n  - name: circle\n    filled: true\n  - point\n")))
                .containsExactly(new Circle(1, true), new Point());
        assertThat(shapes(new Settings().yaml("r.yaml", "shapes: point"))).containsExactly(new Point());
        assertThat(shapes(new Settings().yaml("r.yaml", "shapes: {name: circle, radius: 3}")))
                .containsExactly(new Circle(3, false));
        assertThat(shapes(new Settings().yaml("r.yaml", "shapes: []"))).isEmpty();
        assertThat(shapes(new Settings().set("shapes=circle,point"))).containsExactly(new Circle(), new Point());
        assertThat(shapes(new Settings().set("shapes=[{name: circle, radius: 2}, point]")))
                .containsExactly(new Circle(2, false), new Point());
        assertThat(shapes(new Settings().set("shapes={name: circle, radius: 2}")))
                .containsExactly(new Circle(2, false));
        assertThat(shapes(new Settings().set("shapes=" + Blot.class.getName())))
                .singleElement()
                .isInstanceOf(Blot.class);
    }

    @Test
    void namesWhatIsWrongInAListOfChoices() {
        ConfigurationException e = catchThrowableOfType(
                ConfigurationException.class,
                () -> shapes(new Settings()
                        .yaml(
                                "r.yaml",
                                "shapes: [circel, {name: circle, radus: 2}, {radius: 1}, {name: circle, radius: 0}]")));
        assertThat(e.problems().stream().map(ConfigurationProblem::toString))
                .containsExactly(
                        "r.yaml:1:10: shapes[0] must be one of circle, point, or the name of a class, got: 'circel'."
                                + " Did you mean 'circle'?",
                        "r.yaml:1:33: unknown setting 'shapes[1].radus'. Did you mean 'shapes[1].radius'?",
                        "r.yaml:1:44: shapes[2].name must be given: one of circle, point",
                        "r.yaml:1:80: shapes[3].radius must be > 0, got: 0.0");
    }

    @Test
    void aListOfChoicesIsWrittenAsItBinds() {
        Canvas drawing = new Canvas(List.of(new Point(), new Circle(2, true)), "some");
        for (boolean comments : new boolean[] {true, false}) {
            String text = BINDER.write(drawing, comments);
            assertThat(BINDER.bind(Canvas.class, new Settings().yaml("r.yaml", text)))
                    .as(text)
                    .isEqualTo(drawing);
        }
        assertThat(BINDER.write(drawing, false))
                .isEqualTo(
                        "shapes:\n  - name: point\n  - name: circle\n    radius: 2.0\n    filled: true\ntitle: some\n");
        assertThat(BINDER.write(new Canvas(), true)).startsWith("# What is drawn. (circle | point)\nshapes: []\n");
        assertThat(BINDER.write(new Canvas(List.of(new Blot()), "own"), false))
                .startsWith("shapes:\n  - name: " + Blot.class.getName() + "\n");
    }

    @Test
    void nearestNameNeedsToBeNear() {
        assertThat(NearestName.of("tempratuer", List.of("temperature", "top-k")))
                .contains("temperature");
        assertThat(NearestName.of("topK", List.of("temperature", "top-k"))).contains("top-k");
        assertThat(NearestName.of("banana", List.of("temperature", "top-k"))).isEmpty();
        assertThat(NearestName.of("temp", List.of("temperature", "temperature-scale", "top-k")))
                .contains("temperature");
        assertThat(NearestName.of("te", List.of("temperature", "top-k"))).isEmpty();
    }
}
