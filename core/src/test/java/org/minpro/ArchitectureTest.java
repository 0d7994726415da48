package org.minpro;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/** The boundaries between packages. The rules for single classes, of all modules, are beside the last module. */
@AnalyzeClasses(packages = "org.minpro", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    private static final DescribedPredicate<JavaClass> OURS = resideInAPackage("org.minpro..");

    private static final Set<String> MAY_NAME_A_DEVICE =
            // A run, a file's bytes, examples in JSON and at random.
            Set.of("ModelFiles", "SafetensorsFile", "ObjectiveExample", "LossChecks");

    @ArchTest
    static final ArchRule onlyTheTensorPackageKnowsTheBinding = noClasses()
            .that()
            .resideOutsideOfPackages("org.minpro.tensor..", "org.minpro.dist..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..")
            .because("the binding can then be replaced");

    @ArchTest
    static final ArchRule verifyDependsOnTheJdkAlone = classes()
            .that()
            .resideInAPackage("org.minpro.verify..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("org.minpro.verify..", "java..", "org.jspecify.annotations")
            .because("it is used and fuzzed without 100 MB of natives");

    @ArchTest
    static final ArchRule jinjaDependsOnTheJdkAlone = classes()
            .that()
            .resideInAPackage("org.minpro.text.jinja..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("org.minpro.text.jinja..", "java..", "org.jspecify.annotations")
            .because("a template's language is a thing of its own, and a template may do nothing but make text");

    @ArchTest
    static final ArchRule tensorKnowsNothingOfOurs = of("tensor", "tensor");

    @ArchTest
    static final ArchRule ratiosKnowTensorsAlone = of("ratio", "ratio", "tensor");

    @ArchTest
    static final ArchRule objectivesKnowNothingOfModelsAndTrainers =
            of("objective", "objective", "ratio", "tensor", "config"); // its table of names

    @ArchTest
    static final ArchRule theTrainerKnowsNoConcreteObjective = noClasses()
            .that()
            .resideInAPackage("org.minpro.train..")
            .should()
            .dependOnClassesThat(describe(
                    "implement Objective",
                    type -> type.isAssignableTo("org.minpro.objective.Objective") && !type.isInterface()))
            .because("a newcomer adds an objective without touching it")
            .allowEmptyShould(true);

    @ArchTest
    static void everyTensorIsMadeWhereItsMakerSays(JavaClasses classes) {
        List<JavaMethod> makers = classes.get(Tensor.class).getMethods().stream()
                .filter(method -> method.getModifiers().containsAll(Set.of(JavaModifier.PUBLIC, JavaModifier.STATIC)))
                .filter(method -> method.getRawReturnType().isEquivalentTo(Tensor.class))
                // One that is given tensors makes another where they are.
                .filter(method -> method.getRawParameterTypes().stream()
                        .noneMatch(type -> type.isEquivalentTo(Tensor.class) || type.isEquivalentTo(List.class)))
                .toList();
        assertThat(makers).hasSizeGreaterThan(8);
        assertThat(makers)
                .allSatisfy(method -> assertThat(method.getRawParameterTypes().getFirst())
                        .matches(type -> type.isEquivalentTo(Device.class)));
    }

    @ArchTest
    static final ArchRule devicesAreNamedWhereAModelIsOpened = noClasses()
            .that(describe(
                    "neither open models nor read what others wrote",
                    type -> !type.getPackageName().equals("org.minpro.tensor")
                            && !MAY_NAME_A_DEVICE.contains(type.getSimpleName())))
            .should()
            .accessField(Device.class, "CPU")
            .orShould()
            .accessField(Device.class, "META")
            .orShould()
            .callMethod(Device.class, "cuda", int.class)
            .orShould()
            .callConstructor(Device.class, Device.Kind.class, int.class)
            .because("whatever works with a model makes its tensors on the model's device");

    @ArchTest
    static final ArchRule packagesAreFreeOfCycles =
            slices().matching("org.minpro.(*)..").should().beFreeOfCycles();

    /** The packages of this module from the top down, as docs/design.md has them. */
    private static final List<String> FROM_THE_TOP = List.of(
            "study",
            "run",
            "recipe",
            "train",
            "eval",
            "experience",
            "advantage",
            "environment",
            "tool",
            "task",
            "reward",
            "sandbox",
            "rollout",
            "objective",
            "ratio",
            "text",
            "model",
            "data",
            "tracker",
            "dist",
            "tensor",
            "config");

    @ArchTest
    static void dependenciesPointDown(JavaClasses classes) {
        for (int line = 1; line < FROM_THE_TOP.size(); line++) {
            String[] above = FROM_THE_TOP.subList(0, line).stream()
                    .map(name -> "org.minpro." + name + "..")
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage("org.minpro." + FROM_THE_TOP.get(line) + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(above)
                    .because("dependencies point down, in the order of docs/design.md")
                    .check(classes);
        }
    }

    @ArchTest
    static void everyPackageHasItsPlace(JavaClasses classes) {
        SortedSet<String> present = new TreeSet<>();
        classes.stream()
                .map(type -> type.getPackageName().split("\\."))
                .filter(path -> path.length > 2 && !path[2].equals("verify"))
                .forEach(path -> present.add(path[2]));
        assertThat(present).isEqualTo(new TreeSet<>(FROM_THE_TOP));
    }

    /** Classes of a package name, of our packages, only the given ones. */
    private static ArchRule of(String name, String... known) {
        String[] packages = new String[known.length];
        for (int i = 0; i < known.length; i++) {
            packages[i] = "org.minpro." + known[i] + "..";
        }
        return noClasses()
                .that()
                .resideInAPackage("org.minpro." + name + "..")
                .should()
                .dependOnClassesThat(OURS.and(JavaClass.Predicates.resideOutsideOfPackages(packages)))
                .because("dependencies point one way: objective, ratio, tensor")
                .allowEmptyShould(true);
    }
}
