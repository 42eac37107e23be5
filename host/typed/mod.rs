//! Calls of a guest's export from Rust, with Rust's types.
#![allow(unsafe_code, reason = "passes arguments as C would")]

mod argument;

use std::any::type_name;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::slice;

use smallvec::SmallVec;

pub use argument::{Argument, ArgumentForm, CallArguments};

use crate::callback::Callback;
use crate::callback::lowering::{Lowering, Object, Param, Pointee};
use crate::ctype::CType;
use crate::error::{CallError, Result};
use crate::prototype::CValue;
use crate::registry::{Access, Entry};
use crate::trampoline;

impl Callback {
    /// Calls the export from Rust, as C would by its prototype: with the same copies, checks and limits, and
    /// a budget of its own. The failure is returned; none is recorded, and a
    /// [fallback](Callback::fallback) is not used.
    ///
    /// A comparator of any shape is called with references to its two elements.
    ///
    /// ```
    /// use callbox::{Limits, Module, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let wat = r#"(module (memory (export "memory") 1)
    ///     (func (export "scale") (param $values i32) (param $n i32) (param $by f64) (result f64)
    ///         (f64.store (local.get $values)
    ///             (f64.mul (f64.load (local.get $values)) (local.get $by)))
    ///         (f64.load (local.get $values))))"#;
    /// let guest = Module::from_text(&Sandbox::new(Limits::default())?, "scale", wat)?.instantiate()?;
    /// let scale = guest.callback("scale", "double (double values[n], int n, double by)".parse()?)?;
    ///
    /// let mut values = [1.5, 2.0];
    /// let first: f64 = scale.call((&mut values[..], 2, 10.0))?;
    /// assert_eq!((first, values), (15.0, [15.0, 2.0]));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Types`] if the prototype takes other arguments, or has another result, than these types,
    /// or a slice is shorter than its count says; [`Error::Call`](crate::Error::Call),
    /// [`Error::Trap`](crate::Error::Trap), [`Error::Limit`](crate::Error::Limit) and
    /// [`Error::Reentrant`](crate::Error::Reentrant) from the call. Memory is unchanged on an error.
    pub fn call<R: CValue>(&self, args: impl CallArguments) -> Result<R> {
        let result = self.prototype().result();
        if !R::CLASS.is_of(result) {
            return Err(self.misuse(format!("its result is {result}, which {} is not", type_name::<R>())));
        }
        let mut value = MaybeUninit::<R>::zeroed();
        let buffer = value.as_mut_ptr().cast();
        // SAFETY: the buffer is of the result's type.
        args.with(|args| unsafe { self.call_with(args, buffer, size_of::<R>()) })?;
        // SAFETY: the call has written a value of the class of `R`; padding needs none.
        Ok(unsafe { value.assume_init() })
    }

    /// # Safety
    ///
    /// `result` is a buffer of `size` bytes for the prototype's result.
    unsafe fn call_with(
        &self,
        args: &mut [&mut dyn Argument],
        result: *mut c_void,
        size: usize,
    ) -> Result<()> {
        let params = self.prototype().params();
        if args.len() != params.len() {
            let (found, expected) = (args.len(), params.len());
            return Err(self.misuse(format!("it takes {expected} arguments, and {found} are passed")));
        }
        let forms: SmallVec<[ArgumentForm; 8]> = args.iter_mut().map(|arg| arg.form()).collect();
        let Some((_, lowering)) = self.function() else {
            let order = self.compare_forms(&forms, args)?;
            // SAFETY: the result of a comparator is an int.
            unsafe { result.cast::<c_int>().write(order) };
            return Ok(());
        };
        for (at, (form, param)) in forms.iter().zip(&lowering.params).enumerate() {
            self.check_argument(lowering, &forms, form, param, at, args[at].type_name())?;
        }
        // A pointer to each argument, as libffi has it.
        let words: SmallVec<[*const c_void; 8]> = forms.iter().map(ArgumentForm::word).collect();
        let pointers = forms.iter().zip(&words).map(|(form, word)| match form {
            ArgumentForm::Value { at, .. } => *at,
            _ => ptr::from_ref(word).cast(),
        });
        let pointers: SmallVec<[*const c_void; 8]> = pointers.collect();
        let entry = Entry::new(self.clone(), Access::Values { budget: None });
        // SAFETY: each argument has been checked to be what the prototype says, and its memory to hold as
        // many elements. `args` borrows it until after the call.
        unsafe { trampoline::call_values(&entry, pointers.as_ptr(), result, size) }
    }

    /// `Err` unless a value of this form is what the prototype has at index `at`.
    fn check_argument(
        &self,
        lowering: &Lowering,
        forms: &[ArgumentForm],
        form: &ArgumentForm,
        param: &Param,
        at: usize,
        found: &str,
    ) -> Result<()> {
        let ctype = &self.prototype().params()[at];
        let plain = |object: &Object| {
            // What nobody follows may point anywhere.
            object.pointer_fields.iter().all(|(_, target)| matches!(target, Pointee::Token { .. }))
        };
        let fits = match (form, param, ctype) {
            (ArgumentForm::Value { class, .. }, Param::Number(..), _) => class.is_of(ctype),
            (ArgumentForm::Value { class, .. }, Param::Struct(object), _) => {
                class.is_of(ctype) && plain(object)
            }
            (ArgumentForm::Text { .. }, Param::Pointer(Pointee::Text), _) => true,
            (ArgumentForm::Token { writable, .. }, Param::Pointer(Pointee::Token { readonly, .. }), _) => {
                *writable || *readonly
            }
            (
                ArgumentForm::Memory { class, len, writable, .. },
                Param::Pointer(Pointee::Object { object, readonly }),
                CType::Pointer { pointee, .. },
            ) => {
                let enough = match &**pointee {
                    CType::Array { element, len: most } => {
                        class.is_of(pointee) && *len >= 1 || class.is_of(element) && len >= most
                    }
                    pointee => class.is_of(pointee) && *len >= 1,
                };
                enough && plain(object) && (*writable || *readonly)
            }
            (
                ArgumentForm::Memory { class, len, writable, .. },
                Param::Pointer(Pointee::Counted { element: object, readonly, count }),
                CType::Counted { element, .. },
            ) => {
                let of_bytes = **element == CType::Void && class.is_byte();
                let fits = (of_bytes || class.is_of(element)) && plain(object) && (*writable || *readonly);
                if fits
                    && let Some(count) = self.count(lowering, forms, *count)
                    && count > *len as i128
                {
                    let text = format!("argument {} holds {len} elements, not {count}", at + 1);
                    return Err(self.misuse(text));
                }
                fits
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(self.misuse(format!("argument {} is {ctype}, which {found} is not", at + 1)))
    }

    /// Returns the number that an argument holds; `None` if it holds none.
    fn count(&self, lowering: &Lowering, forms: &[ArgumentForm], at: usize) -> Option<i128> {
        match (&lowering.params[at], forms[at]) {
            (Param::Number(number, _), ArgumentForm::Value { class, at: from })
                if class.is_of(&self.prototype().params()[at]) =>
            {
                let mut bytes = [0; 8];
                // SAFETY: a value of the class has the number's size.
                unsafe { ptr::copy_nonoverlapping(from.cast(), bytes.as_mut_ptr(), number.size()) };
                Some(number.integer(bytes))
            }
            // It is refused as an argument.
            _ => None,
        }
    }

    /// Compares two elements by a comparator that does not take them by pointers.
    fn compare_forms(&self, forms: &[ArgumentForm], args: &[&mut dyn Argument]) -> Result<c_int> {
        let params = self.prototype().params();
        let mut elements = [&[][..]; 2];
        for (at, element) in elements.iter_mut().enumerate() {
            *element = match (&forms[at], &params[at]) {
                (ArgumentForm::Memory { class, len: 1.., at, .. }, CType::Pointer { pointee, .. })
                    if class.is_of(pointee) =>
                {
                    // SAFETY: the argument holds at least one element, of this size.
                    unsafe { slice::from_raw_parts(at.cast::<u8>(), pointee.size().unwrap_or(0)) }
                }
                _ => {
                    let (param, found) = (&params[at], args[at].type_name());
                    return Err(self.misuse(format!("argument {} is {param}, which {found} is not", at + 1)));
                }
            };
        }
        let [a, b] = elements;
        Ok(self.compare(a, b)? as c_int)
    }

    fn misuse(&self, reason: String) -> crate::error::Error {
        let (export, prototype) = (self.export().to_owned(), self.prototype().to_string());
        CallError::Types { export, prototype, reason }.into()
    }
}
